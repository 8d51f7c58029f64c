// The official Admin page beside the chat example, which serves it: what it shows of a running chat.
//
// SIO_BIN_DIR names the folder with the built example. SIO_SCREENSHOTS=FOLDER: pictures of the page for the docs.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { call, connect, next } from "./admin/clients.mjs";
import { HASH, PAGE, USER } from "./admin/known.mjs";
import { AdminPage } from "./admin/page.mjs";
import { binary, expectEventually, launchBrowser, startServer } from "./harness.mjs";

const PEOPLE = [
  ["Ann", "lobby"],
  ["Bob", "lobby"],
  ["Cid", "lobby"],
  ["Dora", "garden"],
];

describe("Admin page of the chat example", { timeout: 180_000 }, () => {
  let server;
  let browser;
  before(async () => {
    const env = { ADMIN_USER: USER, ADMIN_PASSWORD_HASH: HASH, ADMIN_PAGE: PAGE };
    [server, browser] = await Promise.all([startServer(binary("chat"), { env }), launchBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** Somebody in a room of the chat, with an ordinary client. */
  async function enter(t, nick, room, options) {
    const socket = await connect(t, server.url, options);
    const snapshot = await call(socket, "join", { nick, room });
    assert.equal(snapshot.room, room);
    return socket;
  }

  test("without credentials in the environment there is neither the page nor its namespace", async (t) => {
    const plain = await startServer(binary("chat"), { env: { ADMIN_USER: "", ADMIN_PASSWORD_HASH: "" } });
    t.after(() => plain.stop());
    assert.equal((await fetch(`${plain.url}/admin/`)).status, 404);
    const socket = await connect(t, plain.url);
    const other = socket.io.socket("/admin", { auth: { username: USER, password: "changeit" } });
    const [error] = await next(other, "connect_error");
    assert.equal(error.message, "Invalid namespace");
  });

  test("people, rooms and what they say are shown; one is sent away by a click", async (t) => {
    const page = await AdminPage.enter(t, browser, server);
    const people = {};
    for (const [nick, room] of PEOPLE) people[nick] = await enter(t, nick, room);
    // One of them with the chat's own page.
    const visitor = await browser.newContext();
    t.after(() => visitor.close());
    const tab = await visitor.newPage();
    await tab.goto(`${server.url}/#lobby`);
    await tab.fill("#nick", "Eve");
    await tab.click("#join");
    await tab.locator("#text").waitFor();

    await page.goToNamespace("Rooms");
    await page.lists(["chat:garden", "Public", "1"], ["chat:lobby", "Public", "4"]);
    await page.goToNamespace("Sockets");
    await expectEventually(async () => {
      const rows = await page.rows();
      assert.equal(rows.length, PEOPLE.length + 1);
      for (const { id } of Object.values(people)) assert.ok(rows.some(([shown]) => shown === id));
    });

    await call(people.Ann, "say", "Good morning");
    await call(people.Bob, "say", "Good morning, Ann");
    await page.goToNamespace("Events");
    await expectEventually(async () => {
      const rows = (await page.rows()).map((row) => row.slice(1, 4).join("; "));
      const count = (nick, what) => rows.filter((row) => row === `${people[nick].id}; ${what}`).length;
      assert.equal(count("Ann", "Event received; Event name: say"), 1);
      assert.ok(count("Cid", "Event sent; Event name: line") >= 2);
      assert.equal(count("Dora", "Event received; Event name: say"), 0);
    });

    await page.goToNamespace("Sockets");
    const known = new Set(Object.values(people).map(({ id }) => id));
    const [[eve]] = (await page.rows()).filter(([id]) => !known.has(id));
    await page.click(eve);
    await page.goToNamespace("Sockets");
    await tab.locator("#notice").getByText("The server closed the connection").waitFor();
    await expectEventually(async () => assert.equal((await page.rows()).length, PEOPLE.length));
    const rooms = await (await fetch(`${server.url}/api/rooms`)).json();
    assert.equal(rooms.find(({ room }) => room === "lobby").members, 3);
    assert.deepEqual(page.problems, []);
  });

  const folder = process.env.SIO_SCREENSHOTS;
  test("pictures for the docs", { skip: folder ? false : "SIO_SCREENSHOTS names no folder" }, async (t) => {
    await mkdir(folder, { recursive: true });
    const page = await AdminPage.enter(t, browser, server);
    const shot = (name) => page.page.screenshot({ path: path.join(folder, `${name}.png`) });
    const people = {};
    for (const [i, [nick, room]] of PEOPLE.entries()) {
      const transports = i === 2 ? ["polling"] : ["websocket"];
      people[nick] = await enter(t, nick, room, { transports });
    }
    // Enough for the bars.
    for (let i = 0; i < 20; i += 1) {
      for (const socket of Object.values(people)) await call(socket, "say", `line ${i}`);
    }
    await expectEventually(async () => assert.equal((await page.counts()).polling, 1));
    // The bars grow.
    await page.page.waitForTimeout(3_000);
    await shot("dashboard");
    await page.goToNamespace("Sockets");
    await page.row(people.Ann.id).waitFor();
    await page.page.waitForTimeout(1_000);
    await shot("sockets");
    await page.row(people.Ann.id).click();
    await page.page.getByText("Socket details").waitFor();
    await page.page.waitForTimeout(1_000);
    await shot("socket");
  });
});
