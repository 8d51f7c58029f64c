// The official Admin page, unmodified, in a real browser: served by our instrumented server and by the reference,
// which proves the tests.
//
// SIO_BIN_DIR names the folder with the program `instrumented`; SIO_REFERENCE=1 leaves ours out.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Admin, call, connect, connectAlso, hearsRoom, next } from "./admin/clients.mjs";
import { PASSWORD, USER } from "./admin/known.mjs";
import { AdminPage, VIEWS } from "./admin/page.mjs";
import { KINDS, startInstrumented, unusedPort } from "./admin/servers.mjs";
import { expectEventually, launchBrowser } from "./harness.mjs";

const DEADLINE = { timeout: 60_000 };

/** How the page names a client. */
const clientId = (socket) => socket.io.engine.id.slice(0, 12);

for (const kind of KINDS) {
  describe(`Admin page, ${kind}`, { timeout: 300_000 }, () => {
    let browser;
    before(async () => {
      browser = await launchBrowser();
    });
    after(() => browser?.close());

    const becomes = (get, wanted, ms) =>
      expectEventually(async () => assert.deepEqual(await get(), wanted), ms);

    /** A test with a page that must not throw. */
    function onPage(title, get, how, run) {
      test(title, DEADLINE, async (t) => {
        const server = get();
        const page = await AdminPage[how](t, browser, server);
        await run(t, server, page);
        assert.deepEqual(page.problems, [], "the page throws nothing");
      });
    }

    describe("development mode", () => {
      let server;
      before(async () => {
        server = await startInstrumented(kind);
      });
      after(() => server?.stop());
      const get = () => server;

      onPage("a wrong password is refused, the right one opens the dashboard", get, "open", async (t, _, page) => {
        await page.logIn(USER, "changedit");
        assert.equal(await page.refusal(), "Invalid credentials");
        await page.logIn("root", PASSWORD);
        assert.equal(await page.refusal(), "Invalid credentials");
        assert.equal((await page.status()).trim(), "disconnected");
        await page.logIn(USER, PASSWORD);
        await page.connected();
        await becomes(() => page.views(), VIEWS);
      });

      if (kind === "sio") {
        onPage("a reload keeps the session and not the password; a made-up one is asked", get, "enter", async (t, _, page) => {
          await expectEventually(async () => assert.match((await page.kept()).session_id ?? "", /^[0-9a-f]{16}$/));
          const kept = await page.kept();
          assert.ok(!Object.values(kept).includes(PASSWORD));
          await page.page.reload();
          await page.connected();
          assert.deepEqual(await page.kept(), kept);

          await page.page.evaluate(() => localStorage.setItem("session_id", "0123456789abcdef"));
          await page.page.reload();
          await page.form.waitFor();
          assert.equal(await page.refusal(), "Invalid credentials");
        });
      } else {
        // It sends the session before the answer to CONNECT, and only that makes the page listen.
        onPage("a reload asks again, for the page misses the session", get, "enter", async (t, _, page) => {
          assert.equal((await page.kept()).session_id, undefined);
          await page.page.reload();
          await page.form.waitFor();
          assert.equal(await page.refusal(), "Invalid credentials");
        });
      }

      onPage("the dashboard counts clients by transport and sockets by namespace", get, "enter", async (t, { url }, page) => {
        // The page itself is one client.
        await becomes(() => page.counts(), { websocket: 1, polling: 0 });
        const one = await connect(t, url);
        await connectAlso(one, "/second");
        const polling = await connect(t, url, { transports: ["polling"] });
        await becomes(() => page.counts(), { websocket: 2, polling: 1 });
        await becomes(() => page.namespaces(), { "/": 2, "/admin": 1, "/second": 1 });
        polling.disconnect();
        one.io._close();
        await becomes(() => page.counts(), { websocket: 1, polling: 0 });
        await becomes(() => page.namespaces(), { "/": 0, "/admin": 1, "/second": 0 });
      });

      onPage("sockets come, change and go in the list", get, "enter", async (t, { url }, page) => {
        const early = await connect(t, url);
        await page.enterAgain();
        await page.goToNamespace("Sockets");
        await page.lists([early.id, "127.0.0.1", "WebSocket"]);
        const late = await connect(t, url, { transports: ["polling"] });
        await page.lists([early.id, "127.0.0.1", "WebSocket"], [late.id, "127.0.0.1", "HTTP long-polling"]);
        early.disconnect();
        await page.lists([late.id, "127.0.0.1", "HTTP long-polling"]);
        const both = await connect(t, url, { transports: ["polling", "websocket"] });
        await page.lists([late.id, "127.0.0.1", "HTTP long-polling"], [both.id, "127.0.0.1", "WebSocket"]);
        const second = await connectAlso(both, "/second");
        await page.goToNamespace("Sockets", "/second");
        await page.lists([second.id, "127.0.0.1", "WebSocket"]);
      });

      onPage("rooms come and go in the list, with the number of their sockets", get, "enter", async (t, { url }, page) => {
        const [ann, bob] = [await connect(t, url), await connect(t, url)];
        await page.goToNamespace("Rooms");
        await call(ann, "join", "hall");
        await call(bob, "join", "hall");
        await call(bob, "join", "<b>attic</b>");
        await page.lists(["hall", "Public", "2"], ["<b>attic</b>", "Public", "1"]);
        ann.disconnect();
        await page.lists(["hall", "Public", "1"], ["<b>attic</b>", "Public", "1"]);
        bob.disconnect();
        await page.lists();
      });

      onPage("events are listed as they happen", get, "enter", async (t, { url }, page) => {
        const ann = await connect(t, url);
        const bob = await connect(t, url);
        const names = { [ann.id]: "ann", [bob.id]: "bob" };
        const named = (text) => Object.entries(names).reduce((all, [id, name]) => all.replaceAll(id, name), text);
        await page.goToNamespace("Events");
        await call(ann, "echo", "é", { deep: [1] });
        await call(ann, "join", "hall");
        const line = next(ann, "line");
        ann.emit("room", "hall", "line", "hello");
        await line;
        const news = Promise.all([next(ann, "news"), next(bob, "news")]);
        bob.emit("broadcast", "news", 1);
        await news;
        bob.disconnect();
        // Newest first; the first column is the time, the last one a button.
        const listed = async () => (await page.rows()).map((row) => row.slice(1, 4)).reverse();
        await expectEventually(async () => {
          const own = (await listed()).filter(([id]) => id in names).map((cells) => cells.map(named));
          // Sockets have an order each, and none among each other.
          const of = (name) => own.filter(([whose]) => whose === name).map(([, ...cells]) => cells);
          assert.deepEqual(of("ann"), [
            ["Room joined", "Room: ann"],
            ["Connection", ""],
            ["Event received", "Event name: echo"],
            ["Event received", "Event name: join"],
            ["Room joined", "Room: hall"],
            ["Event received", "Event name: room"],
            ["Event sent", "Event name: line"],
            ["Event sent", "Event name: news"],
          ]);
          assert.deepEqual(of("bob"), [
            ["Room joined", "Room: bob"],
            ["Connection", ""],
            ["Event received", "Event name: broadcast"],
            ["Event sent", "Event name: news"],
            ["Disconnection", "Reason: client namespace disconnect"],
            ["Room left", "Room: bob"],
          ]);
        });
        const echo = page.row("Event name: echo");
        await echo.getByRole("button").click();
        await page.page.getByText("Event arguments:").waitFor();
        const args = await page.page.locator(".v-main pre code").textContent();
        assert.deepEqual(JSON.parse(args), ["é", { deep: [1] }]);
      });

      onPage("a click ends one socket, and not the other one of its connection", get, "enter", async (t, { url }, page) => {
        const socket = await connect(t, url);
        const other = await connectAlso(socket, "/second");
        const bystander = await connect(t, url);
        await page.goToNamespace("Sockets");
        const end = next(socket, "disconnect");
        await page.click(socket.id);
        assert.equal((await end)[0], "io server disconnect");
        await page.goToNamespace("Sockets");
        await page.lists([bystander.id, "127.0.0.1", "WebSocket"]);
        assert.equal(await call(other, "echo", 1), 1);
        assert.equal(await call(bystander, "echo", 2), 2);
      });

      onPage("a click ends a client with all of its sockets", get, "enter", async (t, { url }, page) => {
        const socket = await connect(t, url);
        const other = await connectAlso(socket, "/second");
        const bystander = await connect(t, url);
        const [one, two] = [clientId(socket), clientId(bystander)];
        await page.goTo("Clients");
        // The page is a client, too.
        const listed = async () => new Map((await page.rows()).map(([name, ...cells]) => [name, cells.slice(0, 3)]));
        await expectEventually(async () => {
          const rows = await listed();
          assert.equal(rows.size, 3);
          assert.deepEqual(rows.get(one), ["127.0.0.1", "WebSocket", "2"]);
          assert.deepEqual(rows.get(two), ["127.0.0.1", "WebSocket", "1"]);
        });
        const ends = [next(socket, "disconnect"), next(other, "disconnect"), next(socket.io.engine, "close")];
        await page.click(one);
        await Promise.all(ends);
        await page.goTo("Clients");
        await expectEventually(async () => {
          const rows = await listed();
          assert.deepEqual([rows.size, rows.has(one)], [2, false]);
        });
        assert.equal(await call(bystander, "echo", 1), 1);
      });

      onPage("the page of one socket: its request, its data, into a room and out of it", get, "enter", async (t, { url }, page) => {
        const socket = await connect(t, url, { query: { label: "a&b" } });
        const asker = await connect(t, url);
        const open = async () => {
          await page.goToNamespace("Sockets");
          await page.row(socket.id).click();
          await page.page.getByText("Socket details").waitFor();
        };
        await open();
        const details = page.card("Details");
        await details.getByText(socket.id).waitFor();
        await details.getByText(clientId(socket), { exact: true }).waitFor();
        await page.card("Initial HTTP request").getByText("a&b").waitFor();

        const data = async () => JSON.parse(await details.locator("pre").textContent());
        assert.deepEqual(await data(), {});
        await call(socket, "keep", { nick: "Ann" });
        // What is new is not drawn before the next visit.
        await expectEventually(async () => {
          await open();
          assert.deepEqual(await data(), { value: { nick: "Ann" } });
        });

        const rooms = page.card("Rooms");
        const names = async () => (await page.rows(rooms)).map(([name]) => name).sort();
        await becomes(names, [socket.id]);
        await rooms.getByLabel("Join a room").fill("hall");
        await rooms.locator("button[type=submit]").click();
        await becomes(names, ["hall", socket.id].sort());
        assert.equal(await hearsRoom(asker, socket, "hall"), true);
        await page.click("hall");
        await open();
        await becomes(names, [socket.id]);
        assert.equal(await hearsRoom(asker, socket, "hall"), false);
      });

      onPage("a room is emptied by a click, and its sockets are ended by another one", get, "enter", async (t, { url }, page) => {
        const [ann, bob, cid] = [await connect(t, url), await connect(t, url), await connect(t, url)];
        for (const member of [ann, bob]) {
          await call(member, "join", "hall");
          await call(member, "join", "cellar");
        }
        await page.goToNamespace("Rooms");
        await page.lists(["hall", "Public", "2"], ["cellar", "Public", "2"]);
        await page.click("hall");
        await page.goToNamespace("Rooms");
        await page.lists(["cellar", "Public", "2"]);
        assert.equal(await hearsRoom(cid, ann, "hall"), false);
        assert.equal(await hearsRoom(cid, bob, "cellar"), true);

        const ends = [next(ann, "disconnect"), next(bob, "disconnect")];
        await page.click("cellar", 1);
        for (const [reason] of await Promise.all(ends)) assert.equal(reason, "io server disconnect");
        await page.goToNamespace("Rooms");
        await page.lists();
        assert.equal(await call(cid, "echo", 1), 1);
      });

      onPage("the list of servers shows this one", get, "enter", async (t, { pid }, page) => {
        await page.goTo("Servers");
        await expectEventually(async () => {
          const [[, , shownPid, , clients, , status], ...more] = await page.rows();
          assert.deepEqual([shownPid, clients, status.toLowerCase(), more], [String(pid), "1", "healthy", []]);
        });
      });
    });

    test("a server that goes and comes back is found again", DEADLINE, async (t) => {
      const port = await unusedPort();
      let server = await startInstrumented(kind, { port });
      t.after(() => server.stop());
      const page = await AdminPage.enter(t, browser, server);
      await server.stop();
      await page.disconnected();
      server = await startInstrumented(kind, { port });
      await page.connected(20_000);
      const socket = await connect(t, server.url);
      await page.goToNamespace("Sockets");
      await page.lists([socket.id, "127.0.0.1", "WebSocket"]);
      assert.deepEqual(page.problems, []);
    });

    describe("read-only", () => {
      let server;
      before(async () => {
        server = await startInstrumented(kind, { flags: ["--read-only"] });
      });
      after(() => server?.stop());

      onPage("everything is shown and nothing can be clicked", () => server, "enter", async (t, { url }, page) => {
        const socket = await connect(t, url);
        const asker = await connect(t, url);
        await call(socket, "join", "hall");
        const noButtons = async (text) => {
          await page.row(text).waitFor();
          assert.equal(await page.page.locator(".v-main tbody button").count(), 0, `beside ${text}`);
        };
        await page.goToNamespace("Sockets");
        await noButtons(socket.id);
        await page.goToNamespace("Rooms");
        await noButtons("hall");
        await page.goTo("Clients");
        await noButtons(clientId(socket));
        // One field is left, which the server does not listen to.
        await page.goToNamespace("Sockets");
        await page.row(socket.id).click();
        const rooms = page.card("Rooms");
        await rooms.getByLabel("Join a room").fill("attic");
        await rooms.locator("button[type=submit]").click();
        // Its end is told after what it asked.
        const admin = await Admin.open(t, url);
        await page.page.close();
        await expectEventually(() => admin.log.some(([event, nsp]) => event === "socket_disconnected" && nsp === "/admin"));
        assert.equal(await hearsRoom(asker, socket, "attic"), false);
        assert.equal(await hearsRoom(asker, socket, "hall"), true);
      });
    });

    describe("production mode", () => {
      let server;
      before(async () => {
        server = await startInstrumented(kind, { flags: ["--production"] });
      });
      after(() => server?.stop());

      onPage("only the sums are shown", () => server, "enter", async (t, { url }, page) => {
        await becomes(() => page.views(), ["Dashboard", "Servers"]);
        const socket = await connect(t, url);
        await connect(t, url, { transports: ["polling"] });
        await becomes(() => page.counts(), { websocket: 2, polling: 1 });
        await becomes(() => page.namespaces(), { "/": 2, "/admin": 1, "/second": 0 });
        socket.disconnect();
        await becomes(() => page.counts(), { websocket: 1, polling: 1 });
      });
    });
  });
}
