// examples/nextjs as its launcher runs it: one domain through Next.js's own server, and the server's origin beside it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import { eventually, launchBrowser, openPage, startExample, within } from "./programs.mjs";

describe("examples/nextjs", { timeout: 300_000 }, () => {
  let example;
  let server;
  let browser;

  before(async () => {
    example = await startExample("nextjs");
    server = example.address("server");
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await example?.stop();
  });

  async function connected(url, options) {
    const socket = io(url, { path: "/api/socket", addTrailingSlash: false, reconnection: false, ...options });
    await within(once(socket, "connect"), `connection to ${url}`);
    return socket;
  }

  async function say(page, text) {
    await page.fill("input", text);
    await page.click("button");
  }

  const lines = (page) => page.locator("#lines li").allTextContents();
  const handshake = (url, headers) => fetch(`${url}/api/socket?EIO=4&transport=polling`, { headers });

  test("a path with a slash at its end is not for the server behind Next.js", async () => {
    const redirected = await fetch(`${example.url}/api/socket/?EIO=4&transport=polling`, { redirect: "manual" });
    assert.equal(redirected.status, 308);
    const socket = io(example.url, { path: "/api/socket", reconnection: false, transports: ["polling"] });
    await within(once(socket, "connect_error"), "refusal of a client that adds the slash");
    assert.equal((await handshake(example.url)).status, 200);
  });

  test("a page of an origin that was not named gets no permission", async () => {
    const allowed = async (origin) => (await handshake(server, { origin })).headers.get("access-control-allow-origin");
    assert.equal(await allowed("http://evil.example"), null);
    assert.equal(await allowed(example.url), example.url);
  });

  test("behind one domain, the WebSocket goes through Next.js", async () => {
    const { page, problems, close } = await openPage(browser, example.url);
    const asked = new Set();
    page.on("request", (request) => asked.add(new URL(request.url()).origin));
    page.on("websocket", (socket) => asked.add(new URL(socket.url()).origin));
    await page.reload();
    await eventually(async () => assert.equal(await page.textContent("#state"), "connected by websocket"));
    const other = await connected(server);
    const heard = once(other, "said");
    await say(page, "from the page");
    assert.deepEqual(await within(heard, "words of the page"), ["from the page"]);
    other.emit("say", "to the page");
    await eventually(async () => assert.deepEqual(await lines(page), ["from the page", "to the page"]));
    other.disconnect();
    const ws = example.url.replace("http", "ws");
    assert.deepEqual([...asked].filter((origin) => ![example.url, ws].includes(origin)), [], "one domain");
    await close();
    assert.deepEqual(problems, []);
  });

  test("polling alone goes through Next.js as well", async () => {
    const [ada, bob] = await Promise.all(
      [0, 1].map(() => connected(example.url, { transports: ["polling"], forceNew: true })),
    );
    const heard = [];
    bob.on("said", (text) => heard.push(text));
    for (const text of ["one", "two", "three"]) ada.emit("say", text);
    await eventually(() => assert.deepEqual(heard, ["one", "two", "three"]));
    assert.equal(bob.io.engine.transport.name, "polling");
    ada.disconnect();
    bob.disconnect();
  });

  test("cross-origin, the page asks the server itself", async () => {
    assert.notEqual(server, example.url);
    const { page, problems, close } = await openPage(browser, `${example.url}/direct`);
    const sockets = [];
    page.on("websocket", (socket) => sockets.push(socket.url()));
    await page.reload();
    await eventually(async () => assert.equal(await page.textContent("#state"), "connected by websocket"));
    await say(page, "hello");
    await eventually(async () => assert.deepEqual(await lines(page), ["hello"]));
    assert.ok(sockets.some((url) => url.startsWith(server.replace("http", "ws"))), `${sockets}`);
    await close();
    assert.deepEqual(problems, []);
  });
});
