// examples/raw-websocket in Chromium: both chats on one page, and what only one of them does.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually, launchBrowser, openPage, startProgram } from "./programs.mjs";

const BOTH = ["bare", "sio"];

describe("examples/raw-websocket", { timeout: 180_000 }, () => {
  let server;
  let browser;

  before(async () => {
    server = await startProgram("raw-websocket");
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const lines = (page, chat) => page.locator(`#${chat} li`).allTextContents();
  const shows = (page, chat, expected) =>
    eventually(async () => assert.deepEqual(await lines(page, chat), expected));

  async function visit() {
    const visitor = await openPage(browser, server.url);
    for (const chat of BOTH) await shows(visitor.page, chat, ["connected"]);
    return visitor;
  }

  async function say(page, chat, text) {
    await page.fill(`#${chat} input`, text);
    await page.click(`#${chat} button`);
  }

  test("the sender gets an echo and the others the text, in each chat by itself", async () => {
    const [ada, bob] = [await visit(), await visit()];
    const names = { bare: server.url, sio: await ada.page.evaluate("socket.id") };
    for (const chat of BOTH) {
      await say(ada.page, chat, `hello ${chat}`);
      await shows(ada.page, chat, ["connected", `[Echo] You sent -> hello ${chat}`]);
      await shows(bob.page, chat, ["connected", `[${names[chat]}] hello ${chat}`]);
    }
    for (const { close, problems } of [ada, bob]) {
      await close();
      assert.deepEqual(problems, []);
    }
  });

  test("bye ends either connection for good", async () => {
    const { page, problems, close } = await visit();
    for (const chat of BOTH) await say(page, chat, "bye");
    await shows(page, "bare", ["connected", "[Echo] You sent -> bye", "disconnected, for good"]);
    await shows(page, "sio", ["connected", "disconnected: io server disconnect"]);
    await close();
    assert.deepEqual(problems, []);
  });

  test("after a restart of the server only Socket.IO is back", async () => {
    const { page, close } = await visit();
    const { port } = new URL(server.url);
    await server.stop();
    await eventually(async () => assert.equal((await lines(page, "bare")).at(-1), "disconnected, for good"));
    await eventually(async () => assert.match((await lines(page, "sio")).at(-1), /^disconnected: .*, trying again$/));
    server = await startProgram("raw-websocket", { env: { PORT: port } });
    await eventually(async () => assert.equal((await lines(page, "sio")).at(-1), "connected"));
    assert.equal((await lines(page, "bare")).at(-1), "disconnected, for good");
    await close();
  });
});
