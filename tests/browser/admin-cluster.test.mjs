// One Admin page for a cluster: an instrumented Node.js server and ours over one Redis, the page on either of them.
//
// SIO_BIN_DIR names the folder with the program `instrumented`; SIO_REFERENCE=1 forms clusters of Node.js alone,
// which proves the tests.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Admin, call, connect, connectAlso, next } from "./admin/clients.mjs";
import { AdminPage } from "./admin/page.mjs";
import { KINDS, startInstrumented, startRedis } from "./admin/servers.mjs";
import { expectEventually, launchBrowser } from "./harness.mjs";

const DEADLINE = { timeout: 60_000 };
/** The first one serves the page. */
const PAIRS = [
  ["reference", "reference"],
  ["reference", "sio"],
  ["sio", "reference"],
  ["sio", "sio"],
].filter((pair) => pair.every((kind) => KINDS.includes(kind)));

for (const kinds of PAIRS) {
  describe(`Admin page of ${kinds[0]}, with ${kinds[1]} in the cluster`, { timeout: 300_000 }, () => {
    let redis;
    let browser;
    let near;
    let far;
    const start = (place) =>
      startInstrumented(kinds[place], { flags: ["--redis", redis.url, "--server-id", `server ${place + 1}`] });

    before(async () => {
      [redis, browser] = await Promise.all([startRedis(), launchBrowser()]);
      [near, far] = await Promise.all([start(0), start(1)]);
      await meet(near, far);
    });
    after(async () => {
      await browser?.close();
      await Promise.all([near, far].map((server) => server?.stop()));
      await redis?.stop();
    });

    /** A test with a page of the first server that must not throw. */
    function onPage(title, run) {
      test(title, DEADLINE, async (t) => {
        const page = await AdminPage.enter(t, browser, near);
        await page.toldOfAll();
        await run(t, page);
        assert.deepEqual(page.problems, [], "the page throws nothing");
      });
    }

    const clientId = (socket) => socket.io.engine.id.slice(0, 12);

    onPage("both servers are listed, with the clients of each", async (t, page) => {
      await connect(t, far.url);
      await connect(t, far.url);
      await page.goTo("Servers");
      await expectEventually(async () => {
        const rows = await page.rows();
        assert.deepEqual(
          rows.map(([name, , pid, , clients, , status]) => [name, pid, clients, status.toLowerCase()]),
          [
            ["server 1", String(near.pid), "1", "healthy"],
            ["server 2", String(far.pid), "2", "healthy"],
          ],
        );
      });
      await page.goTo("Dashboard");
      await expectEventually(async () => {
        assert.deepEqual(await page.counts(), { websocket: 3, polling: 0 });
        assert.deepEqual(await page.namespaces(), { "/": 2, "/admin": 1, "/second": 0 });
      });
    });

    onPage("sockets of both servers are listed that were there before, with client and transport", async (t, page) => {
      const one = await connect(t, near.url);
      const two = await connect(t, far.url, { transports: ["polling"] });
      const also = await connectAlso(two, "/second");
      const three = await connect(t, far.url, { transports: ["polling", "websocket"] });
      if (three.io.engine.transport.name !== "websocket") await next(three.io.engine, "upgrade");
      await page.enterAgain();
      await page.goToNamespace("Sockets");
      await page.lists(
        [one.id, "127.0.0.1", "WebSocket"],
        [two.id, "127.0.0.1", "HTTP long-polling"],
        [three.id, "127.0.0.1", "WebSocket"],
      );
      await page.goToNamespace("Sockets", "/second");
      await page.lists([also.id, "127.0.0.1", "HTTP long-polling"]);
      await page.goTo("Clients");
      await expectEventually(async () => {
        const rows = new Map((await page.rows()).map(([id, ...cells]) => [id, cells.slice(1, 3)]));
        assert.deepEqual(rows.get(clientId(one)), ["WebSocket", "1"]);
        assert.deepEqual(rows.get(clientId(two)), ["HTTP long-polling", "2"]);
        assert.deepEqual(rows.get(clientId(three)), ["WebSocket", "1"]);
        assert.equal(rows.size, 4, "these and the page");
      });
    });

    onPage("what happens on the other server is seen: sockets, upgrades, rooms, data, events", async (t, page) => {
      const near1 = await connect(t, near.url);
      await page.goToNamespace("Sockets");
      const socket = await connect(t, far.url, { transports: ["polling", "websocket"] });
      await page.lists([near1.id, "127.0.0.1", "WebSocket"], [socket.id, "127.0.0.1", "WebSocket"]);
      await call(socket, "join", "hall");
      await call(socket, "keep", { nick: "Ann" });
      await page.row(socket.id).click();
      await expectEventually(async () => {
        const data = await page.card("Details").locator("pre").textContent();
        assert.deepEqual(JSON.parse(data), { value: { nick: "Ann" } });
        const rooms = await page.rows(page.card("Rooms"));
        assert.deepEqual(rooms.map(([name]) => name).sort(), ["hall", socket.id].sort());
      });
      await page.goToNamespace("Events");
      near1.emit("broadcast", "news", 1);
      await expectEventually(async () => {
        const rows = (await page.rows()).map((row) => row.slice(1, 4).join("; "));
        for (const { id } of [near1, socket]) {
          assert.equal(rows.filter((row) => row === `${id}; Event sent; Event name: news`).length, 1);
        }
      });
      socket.disconnect();
      await page.goToNamespace("Sockets");
      await page.lists([near1.id, "127.0.0.1", "WebSocket"]);
    });

    onPage("a click ends a socket, a client and a room's sockets of the other server", async (t, page) => {
      const stays = await connect(t, far.url);
      const socket = await connect(t, far.url);
      await page.goToNamespace("Sockets");
      await page.row(stays.id).waitFor();
      let end = next(socket, "disconnect");
      await page.click(socket.id);
      assert.equal((await end)[0], "io server disconnect");
      await page.goToNamespace("Sockets");
      await page.lists([stays.id, "127.0.0.1", "WebSocket"]);

      const client = await connect(t, far.url);
      const also = await connectAlso(client, "/second");
      await page.goTo("Clients");
      end = Promise.all([next(client, "disconnect"), next(also, "disconnect"), next(client.io.engine, "close")]);
      await page.click(clientId(client));
      await end;

      const members = [await connect(t, near.url), await connect(t, far.url)];
      for (const member of members) await call(member, "join", "hall");
      await page.goToNamespace("Rooms");
      await page.lists(["hall", "Public", "2"]);
      end = Promise.all(members.map((member) => next(member, "disconnect")));
      await page.click("hall", 1);
      await end;
      await page.goToNamespace("Rooms");
      await page.lists();
      assert.equal(await call(stays, "echo", 1), 1);
    });

    onPage("a socket of the other server joins a room and leaves it by a click", async (t, page) => {
      const [one, two] = [await connect(t, near.url), await connect(t, far.url)];
      await page.goToNamespace("Sockets");
      await page.row(two.id).click();
      const rooms = page.card("Rooms");
      const names = async () => (await page.rows(rooms)).map(([name]) => name).sort();
      await rooms.getByLabel("Join a room").fill("hall");
      await rooms.locator("button[type=submit]").click();
      await expectEventually(async () => assert.deepEqual(await names(), ["hall", two.id].sort()));
      const line = next(two, "line");
      one.emit("room", "hall", "line", "x");
      assert.deepEqual(await line, ["x"]);
      await page.click("hall");
      await page.goToNamespace("Sockets");
      await page.row(two.id).click();
      await expectEventually(async () => assert.deepEqual(await names(), [two.id]));
    });

    test("a session of one server lets in at the other one", DEADLINE, async (t) => {
      for (const [from, to] of [[near, far], [far, near]]) {
        const admin = new Admin(t, from.url, { username: "admin", password: "changeit" });
        await expectEventually(() => admin.log.some(([event]) => event === "session"));
        const [, sessionId] = admin.log.find(([event]) => event === "session");
        // The reference tells it before it is kept.
        await expectEventually(async () => {
          const other = new Admin(t, to.url, { sessionId });
          await Promise.race([
            next(other.socket, "connect"),
            next(other.socket, "connect_error").then(([error]) => Promise.reject(error)),
          ]);
        });
      }
    });

    onPage("a server that is gone takes its sockets along, and is shown as unhealthy", async (t, page) => {
      const states = async () => (await page.rows()).map(([name, , , , , , status]) => [name, status.toLowerCase()]);
      const become = (far, ms) =>
        expectEventually(async () => {
          assert.deepEqual(await states(), [["server 1", "healthy"], ["server 2", far]]);
        }, ms);
      await page.goTo("Servers");
      await become("healthy");
      const one = await connect(t, near.url);
      await connect(t, far.url);
      await page.goToNamespace("Sockets");
      await expectEventually(async () => assert.equal((await page.rows()).length, 2));
      await far.stop();
      await page.lists([one.id, "127.0.0.1", "WebSocket"]);
      await page.goTo("Servers");
      await become("unhealthy", 25_000);
      far = await start(1);
      await become("healthy");
    });
  });
}

/** Resolves once each of the servers hears the other one. */
async function meet(...servers) {
  const closers = [];
  const t = { after: (close) => closers.push(close) };
  try {
    for (const ns of ["/", "/second"]) {
      const clients = [];
      for (const { url } of servers) clients.push(await connect(t, url, { ns }));
      for (const [i, from] of clients.entries()) {
        const heard = new Set();
        for (const client of clients) client.on(`meet ${i}`, () => heard.add(client));
        await expectEventually(() => {
          from.emit("broadcast", `meet ${i}`);
          return heard.size === clients.length;
        });
      }
    }
    // In the admin namespace, too.
    const [one, two] = [await Admin.open(t, servers[0].url), await Admin.open(t, servers[1].url)];
    await expectEventually(() => {
      const names = (admin) => new Set(admin.stats.map(({ serverId }) => serverId)).size;
      return names(one) === servers.length && names(two) === servers.length;
    });
  } finally {
    closers.forEach((close) => close());
  }
}
