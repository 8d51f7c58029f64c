// The harness itself, against a tiny server: what the other files here may rely on.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { expectEventually, launchBrowser, openPage, startServer } from "./harness.mjs";

const TINY = fileURLToPath(new URL("fixtures/tiny-server.mjs", import.meta.url));
const tiny = (manner = "", options = {}) =>
  startServer(process.execPath, { args: [TINY, manner], ...options });
const isAlive = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("a server", () => {
  test("is ready when it says so, and gone when stopped", async () => {
    const server = await tiny();
    assert.match(server.url, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    assert.equal((await fetch(server.url)).status, 200);
    assert.equal(await server.stop(), "exited with SIGTERM");
    assert.equal(isAlive(server.pid), false);
  });

  test("may say in other words that it is ready", async () => {
    const ready = (output) => /up at (\S+)\n/.exec(output)?.[1];
    const args = ["-c", "echo starting; echo up at noon; exec sleep 60"];
    const server = await startServer("/bin/sh", { args, ready });
    assert.equal(server.url, "noon");
    await server.stop();
  });

  test("that never listens fails at the deadline, with its output", async () => {
    const silent = startServer("/bin/sh", { args: ["-c", "echo starting; exec sleep 60"], ms: 2_000 });
    await assert.rejects(silent, /within 2000 ms; its output:\nstarting/);
  });

  test("that exits fails at once, with its output", async () => {
    await assert.rejects(tiny("quits"), /exited with 3; its output:\nno such option/);
  });

  test("that is not there fails at once", async () => {
    await assert.rejects(startServer("/nowhere/server"), /does not start/);
  });

  test("that ignores SIGTERM is ended all the same", { timeout: 20_000 }, async () => {
    const server = await tiny("stubborn");
    assert.equal(await server.stop(), "exited with SIGKILL");
    assert.equal(isAlive(server.pid), false);
  });
});

describe("a browser", () => {
  let browser;
  let server;
  before(async () => {
    server = await tiny();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("shows a page, presses a button and sees what follows", async () => {
    const { page, problems, close } = await openPage(browser, server.url);
    assert.equal(await page.title(), "tiny");
    await page.getByText("press", { exact: true }).click();
    await expectEventually(async () => {
      assert.equal(await page.locator("#out").textContent(), "pressed");
    });
    assert.deepEqual(problems, []);
    await close();
  });

  test("collects what a page complains about", async () => {
    const { page, problems, close } = await openPage(browser, server.url);
    await page.getByText("complain").click();
    await expectEventually(() => problems.length > 0);
    assert.deepEqual(problems, ["logged: sore"]);
    await close();
  });
});

describe("expectEventually", () => {
  test("resolves to what the check returns", async () => {
    let calls = 0;
    assert.equal(await expectEventually(() => ++calls === 3 && "third"), "third");
  });

  test("fails with the last reason", async () => {
    const check = () => assert.equal(1, 2, "one is not two");
    await assert.rejects(expectEventually(check, 100), /not within 100 ms: one is not two/);
  });

  test("does not wait for a check that hangs", async () => {
    const check = () => new Promise(() => {});
    await assert.rejects(expectEventually(check, 100), /not within 100 ms: the check did not answer/);
  });
});
