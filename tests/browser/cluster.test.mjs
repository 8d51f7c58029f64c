// The page of the chat in a cluster: examples/cluster as its launcher runs it, several browsers on several nodes.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { expectEventually, launchBrowser, startServer } from "./harness.mjs";

const LAUNCHER = fileURLToPath(new URL("../../examples/cluster/run.mjs", import.meta.url));
const NODES = ["js-1", "rust-1", "rust-2"];

describe("chat example on three nodes", { timeout: 300_000 }, () => {
  let site;
  let browser;

  before(async () => {
    // Installing the packages of the example takes time where they are not there yet.
    site = await startServer(process.execPath, { args: [LAUNCHER], ms: 120_000 });
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await site?.stop();
  });

  /** A browser of its own in the room, and the node that the page names. */
  async function enter(nick, room) {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(`${site.url}/#${encodeURIComponent(room)}`);
    await page.fill("#nick", nick);
    await page.click("#join");
    await page.locator("#text").waitFor();
    return { nick, page, node: await page.getAttribute("#status", "data-node") };
  }

  test("pages on three nodes read each other, see each other and name their node", async () => {
    const people = new Map();
    for (let tries = 1; people.size < NODES.length; tries += 1) {
      assert.ok(tries <= 40, `only ${[...people.keys()]} after 40 browsers`);
      const person = await enter(`Ann ${tries}`, "hall");
      assert.ok(NODES.includes(person.node), person.node);
      assert.match(await person.page.textContent("#status"), new RegExp(person.node));
      if (people.has(person.node)) await person.page.context().close();
      else people.set(person.node, person);
    }
    const all = [...people.values()];
    for (const { page, node } of all) {
      await page.fill("#text", `from ${node}`);
      await page.press("#text", "Enter");
    }
    const said = (page) => page.locator("#messages li[data-system=false] .text").allTextContents();
    for (const { page } of all) {
      await expectEventually(async () => {
        assert.deepEqual((await said(page)).sort(), NODES.map((node) => `from ${node}`).sort());
      });
      await expectEventually(async () => {
        const names = await page.locator("#members .name").allTextContents();
        assert.deepEqual(names, all.map(({ nick }) => nick).sort());
      });
      for (const { nick, node } of all) {
        assert.equal(await page.getAttribute(`#members li[data-nick="${nick}"]`, "data-node"), node);
      }
    }
  });
});
