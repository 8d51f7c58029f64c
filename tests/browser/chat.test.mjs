// The chat example in a real browser: the page in examples/chat/static against the built server.
//
// SIO_BIN_DIR names the folder with the built examples.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { binary, expectEventually, launchBrowser, startServer } from "./harness.mjs";

describe("chat example", { timeout: 180_000 }, () => {
  let server;
  let browser;
  let contexts = [];
  let problems = [];
  let roomNumber = 0;

  before(async () => {
    server = await startServer(binary("chat"));
    browser = await launchBrowser();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  afterEach(async () => {
    await Promise.all(contexts.map((context) => context.close()));
    contexts = [];
    const seen = problems;
    problems = [];
    assert.deepEqual(seen, [], "no error on any page");
  });

  const becomes = (get, wanted, ms) =>
    expectEventually(async () => assert.deepEqual(await get(), wanted), ms);

  const newRoom = () => `room ${(roomNumber += 1)}`;

  // A person of their own: a fresh browser context, so nothing kept is shared.
  async function openPage(room, { options = {}, prepare } = {}) {
    const context = await browser.newContext(options);
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => problems.push(`thrown: ${error.message}`));
    page.on("console", (entry) => {
      const network = /^(Failed to load resource|WebSocket connection)/.test(entry.text());
      if (entry.type() === "error" && !network) problems.push(`logged: ${entry.text()}`);
    });
    if (prepare) await prepare(page);
    await page.goto(`${server.url}/#${encodeURIComponent(room)}`);
    return page;
  }

  async function enter(nick, room, how) {
    const page = await openPage(room, how);
    assert.equal(await page.inputValue("#room"), room, "the room comes from the address");
    await page.fill("#nick", nick);
    await page.click("#join");
    await page.locator("#text").waitFor();
    return page;
  }

  async function say(page, text) {
    await page.fill("#text", text);
    await page.press("#text", "Enter");
    await line(page, text).waitFor();
  }

  const said = (page) => page.locator("#messages li[data-system=false]");
  const line = (page, text) => said(page).filter({ has: page.getByText(text, { exact: true }) });
  const members = (page) => page.locator("#members .name").allTextContents();
  const texts = (page) => said(page).locator(".text").allTextContents();
  const status = (page, state, transport) =>
    page
      .locator(`#status[data-state=${state}]${transport ? `[data-transport=${transport}]` : ""}`)
      .waitFor();

  // WebSocket cannot be had: its constructor throws, and counts the tries.
  async function withoutWebSocket(page) {
    await page.addInitScript(() => {
      window.socketTries = 0;
      window.WebSocket = class {
        constructor() {
          window.socketTries += 1;
          throw new Error("WebSocket is blocked");
        }
      };
    });
    await page.route(
      (url) => url.searchParams.get("transport") === "websocket",
      (route) => route.abort(),
    );
  }

  test("a message from one tab is seen in the other, once, with the nickname", async () => {
    const room = newRoom();
    const ann = await enter("Ann", room);
    const bob = await enter("Bob", room);
    await Promise.all([ann, bob].map((page) => status(page, "connected", "websocket")));
    assert.match(await ann.textContent("#status"), /websocket/);

    await say(ann, "Hello from Ann");
    await line(bob, "Hello from Ann").waitFor();
    await say(bob, "Hello from Bob");
    await line(ann, "Hello from Bob").waitFor();

    for (const page of [ann, bob]) {
      assert.deepEqual(await texts(page), ["Hello from Ann", "Hello from Bob"]);
      assert.deepEqual(await said(page).locator(".nick").allTextContents(), ["Ann", "Bob"]);
      await becomes(() => members(page), ["Ann", "Bob"]);
    }
    const ids = (page) => said(page).evaluateAll((items) => items.map((item) => item.dataset.id));
    assert.deepEqual(await ids(ann), await ids(bob));
    assert.equal(await line(ann, "Hello from Ann").getAttribute("data-own"), "true");
    assert.equal(await line(bob, "Hello from Ann").getAttribute("data-own"), "false");
    assert.equal(await ann.locator("#unsent li").count(), 0);
  });

  test("a tab without WebSocket stays on polling and chats both ways", async () => {
    const room = newRoom();
    let sockets = 0;
    const poll = await enter("Poll", room, {
      prepare: async (page) => {
        page.on("websocket", () => {
          sockets += 1;
        });
        await withoutWebSocket(page);
      },
    });
    const web = await enter("Web", room);
    await status(web, "connected", "websocket");
    // the upgrade has been tried and has failed
    await poll.waitForFunction(() => window.socketTries > 0);

    await say(poll, "by polling");
    await line(web, "by polling").waitFor();
    await say(web, "by websocket");
    await line(poll, "by websocket").waitFor();
    await say(poll, "and once more");
    await line(web, "and once more").waitFor();

    await status(poll, "connected", "polling");
    await status(web, "connected", "websocket");
    assert.equal(sockets, 0, "no WebSocket was opened");
    const all = ["by polling", "by websocket", "and once more"];
    assert.deepEqual(await texts(poll), all);
    assert.deepEqual(await texts(web), all);
  });

  test("who joins later sees the last 50 lines; the member list follows", async () => {
    const room = newRoom();
    const ann = await enter("Ann", room);
    const bob = await enter("Bob", room);
    const sent = Array.from({ length: 55 }, (_, i) => `message ${i + 1}`);
    for (const text of sent) await say(ann, text);
    await line(bob, "message 55").waitFor();
    assert.deepEqual(await texts(bob), sent, "who was there has every line, in order");

    const cid = await enter("Cid", room);
    const late = await texts(cid);
    assert.ok(late.length >= 45 && late.length <= 50, `${late.length} lines of history`);
    assert.deepEqual(late, sent.slice(-late.length));
    for (const page of [ann, bob, cid]) {
      await becomes(() => members(page), ["Ann", "Bob", "Cid"]);
    }

    await bob.context().close();
    for (const page of [ann, cid]) {
      await becomes(() => members(page), ["Ann", "Cid"]);
      await page.locator("#messages li[data-system=true]").getByText("Bob left").waitFor();
    }
  });

  test("a tab on polling that closes leaves the member list", async () => {
    const room = newRoom();
    const ann = await enter("Ann", room);
    const poll = await enter("Poll", room, { prepare: withoutWebSocket });
    await becomes(() => members(ann), ["Ann", "Poll"]);
    await poll.goto("about:blank");
    await becomes(() => members(ann), ["Ann"]);
  });

  test("the typing notice appears and goes", async () => {
    const room = newRoom();
    const ann = await enter("Ann", room);
    const bob = await enter("Bob", room);
    const notice = () => bob.textContent("#typing");

    await ann.locator("#text").pressSequentially("hm");
    await becomes(notice, "Ann is typing…");
    assert.equal(await ann.textContent("#typing"), "", "not shown to the one who types");
    await ann.fill("#text", "");
    await becomes(notice, "", 3_000);

    await ann.locator("#text").pressSequentially("well");
    await becomes(notice, "Ann is typing…");
    await ann.press("#text", "Enter");
    await line(bob, "well").waitFor();
    await becomes(notice, "", 3_000);
  });

  test("a nickname in use is refused", async () => {
    const room = newRoom();
    await enter("Ann", room);
    const other = await openPage(room);
    await other.fill("#nick", "Ann");
    await other.click("#join");
    await other.getByRole("alert").getByText("already uses that nickname").waitFor();
    assert.equal(await other.getAttribute("#nick", "aria-invalid"), "true");
    assert.equal(await other.locator("#text").isVisible(), false);

    await other.fill("#nick", "Anna");
    await other.click("#join");
    await other.locator("#text").waitFor();
    assert.equal(await other.locator("#error").isVisible(), false);
    await becomes(() => members(other), ["Ann", "Anna"]);
  });

  test("markup in a message and in a nickname is shown as text", async () => {
    const room = newRoom();
    const nick = "<i id=nickhack>Eve</i>";
    const text = '<b id="hack">bold</b><img src=x onerror="window.hacked = true"> & &amp;';
    const eve = await enter(nick, room);
    const bob = await enter("Bob", room);
    await say(eve, text);
    await line(bob, text).waitFor();
    for (const page of [eve, bob]) {
      assert.deepEqual(await texts(page), [text]);
      assert.deepEqual(await said(page).locator(".nick").allTextContents(), [nick]);
      assert.equal(await page.locator("#hack, #nickhack, #messages img").count(), 0);
      assert.equal(await page.evaluate(() => window.hacked), undefined);
    }
  });

  test("after a lost connection the tab rejoins and sends what was waiting", async () => {
    const room = newRoom();
    const ann = await enter("Ann", room);
    const connections = [];
    const bob = await enter("Bob", room, {
      prepare: (page) =>
        page.routeWebSocket(/transport=websocket/, (ws) => {
          connections.push([ws, ws.connectToServer()]);
        }),
    });
    await status(bob, "connected", "websocket");
    await say(bob, "before");
    await line(ann, "before").waitFor();

    await bob.route("**/socket.io/**", (route) => route.abort());
    await Promise.all(connections.flat().map((end) => end.close()));
    await status(bob, "reconnecting");
    await bob.locator("#notice").waitFor();
    await becomes(() => members(ann), ["Ann"]);
    await say(ann, "missed by Bob");
    await bob.fill("#text", "written offline");
    await bob.click("#send");
    await bob.locator("#unsent li").getByText("written offline").waitFor();
    assert.match(await bob.textContent("#unsent"), /Not sent/);

    await bob.unroute("**/socket.io/**");
    await status(bob, "connected");
    await line(ann, "written offline").waitFor();
    await line(bob, "written offline").waitFor();
    const all = ["before", "missed by Bob", "written offline"];
    assert.deepEqual(await texts(ann), all);
    assert.deepEqual(await texts(bob), all);
    await becomes(() => bob.locator("#unsent li").count(), 0);
    await bob.locator("#notice").waitFor({ state: "hidden" });
    for (const page of [ann, bob]) await becomes(() => members(page), ["Ann", "Bob"]);
  });

  test("switching the room leaves the former one; a reload comes back", async () => {
    const room = newRoom();
    const next = newRoom();
    const ann = await enter("Ann", room);
    const bob = await enter("Bob", room);
    await say(bob, "only here");
    await bob.click("#switch");
    await bob.fill("#room", next);
    await bob.click("#join");
    await becomes(() => members(bob), ["Bob"]);
    await becomes(() => members(ann), ["Ann"]);
    await becomes(() => texts(bob), []);
    assert.equal(new URL(bob.url()).hash, `#${encodeURIComponent(next)}`);

    await say(bob, "in the next room");
    await bob.reload();
    await line(bob, "in the next room").waitFor();
    await becomes(() => members(bob), ["Bob"]);
    await say(bob, "back again");
    assert.deepEqual(await texts(ann), ["only here"]);
  });

  test("a notice by HTTP is read in its room only; the rooms are listed", async () => {
    const room = newRoom();
    const ann = await enter("Ann", room);
    const bob = await enter("Bob", newRoom());
    const post = (name, body) =>
      fetch(`${server.url}/api/rooms/${encodeURIComponent(name)}/notice`, { method: "POST", body });
    assert.equal((await post("nobody is here", "lost")).status, 404);
    assert.equal((await post(room, " ")).status, 400);
    assert.equal((await post(room, "<b>Back at noon</b>\n")).status, 200);

    const notices = (page) => page.locator("#messages li[data-system=true]").getByText("noon");
    await notices(ann).waitFor();
    assert.equal(await notices(ann).textContent(), "<b>Back at noon</b>");
    await say(bob, "later than the notice");
    assert.equal(await notices(bob).count(), 0);

    const list = await (await fetch(`${server.url}/api/rooms`)).json();
    assert.equal(list.find((entry) => entry.room === room).members, 1);
  });

  test("on a phone nothing scrolls sideways and sending works", async () => {
    const room = newRoom();
    const options = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
    const fits = async (page) => {
      const { scroll, client } = await page.evaluate(() => ({
        scroll: document.documentElement.scrollWidth,
        client: document.documentElement.clientWidth,
      }));
      assert.equal(client, 360);
      assert.ok(scroll <= client, `${scroll} px of content in ${client} px`);
    };
    const ann = await enter("Ann", room);
    const phone = await openPage(room, { options });
    await fits(phone);
    await phone.fill("#nick", "W".repeat(24));
    await phone.tap("#join");
    await phone.locator("#text").waitFor();
    await fits(phone);

    const long = "x".repeat(300);
    await phone.fill("#text", long);
    await phone.tap("#send");
    await line(phone, long).waitFor();
    await line(ann, long).waitFor();
    await say(ann, "short");
    await line(phone, "short").waitFor();
    await fits(phone);
    const box = await phone.locator("#send").boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 360 && box.y + box.height <= 740);
    assert.equal(await phone.inputValue("#text"), "");
  });

  const folder = process.env.SIO_SCREENSHOTS;
  test("picture for the README", { skip: folder ? false : "SIO_SCREENSHOTS names no folder" }, async () => {
    await mkdir(folder, { recursive: true });
    const options = { viewport: { width: 760, height: 420 }, deviceScaleFactor: 2, colorScheme: "light" };
    const ada = await enter("Ada", "lobby", { options });
    const bob = await enter("Bob", "lobby", { options });
    const cleo = await enter("Cleo", "lobby", { options });
    await say(ada, "Good morning! Does everybody hear me?");
    await say(bob, "Loud and clear, by WebSocket.");
    await say(cleo, "Me too. What is this written in?");
    await say(ada, "Rust: one struct with a method per event.");
    await becomes(async () => (await texts(bob)).length, 4);
    await cleo.locator("#text").pressSequentially("So is th");
    await bob.locator("#typing").getByText("Cleo").waitFor();
    await bob.screenshot({ path: path.join(folder, "chat.png") });
  });
});
