// What an Admin page is told and may ask for, event by event: the same from our instrumented server and from the
// reference, which proves the tests.
//
// SIO_BIN_DIR names the folder with the program `instrumented`; SIO_REFERENCE=1 leaves ours out.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Admin, call, connect, connectAlso, next } from "./admin/clients.mjs";
import { PASSWORD, USER } from "./admin/known.mjs";
import { KINDS, startInstrumented } from "./admin/servers.mjs";
import { expectEventually } from "./harness.mjs";

const DEADLINE = { timeout: 60_000 };
const COMMANDS = ["EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"];
const RIGHT = { username: USER, password: PASSWORD };

/** A server for the tests of one group. */
function withServer(kind, flags = []) {
  const server = {};
  before(async () => {
    // One worker: what is told of different sockets has an order, too.
    Object.assign(server, await startInstrumented(kind, { flags: ["--workers", "1", ...flags] }));
  });
  after(() => server.stop?.());
  return server;
}

/** What is told of a socket that has connected, with the names that the admin client gave it. */
function shown(name, { nsp = "/", transport = "websocket", data = {}, rooms = [name], query = {} } = {}) {
  return { id: name, clientId: `client of ${name}`, nsp, transport, data, rooms, query: { EIO: "4", transport, ...query } };
}

/** A socket as it is told, without what differs from request to request; that is checked here. */
function essence(socket) {
  const { handshake, ...rest } = socket;
  const { address, headers, query, issued, secure, time, url, xdomain, ...more } = handshake;
  assert.deepEqual(more, {});
  assert.equal(address, "127.0.0.1");
  assert.match(headers.host, /^127\.0\.0\.1:\d+$/);
  const age = Date.now() - issued;
  assert.ok(age > -1_000 && age < 120_000, `issued ${age} ms ago`);
  assert.equal(Math.floor(Date.parse(time) / 1000), Math.floor(issued / 1000));
  assert.match(time, /^\w{3} \w{3} \d\d \d{4} \d\d:\d\d:\d\d GMT[+-]\d{4}( \(.*\))?$/);
  assert.deepEqual([secure, xdomain], [false, false]);
  assert.deepEqual(Object.fromEntries(new URL(url, "http://localhost").searchParams), query);
  assert.ok(url.startsWith("/socket.io/?"), url);
  // The cache buster of polling.
  const { t, ...asked } = query;
  return { ...rest, query: asked };
}

/** Replaces sockets by what matters of them. */
const plain = (entries) =>
  entries.map(([event, ...args]) =>
    event === "socket_connected" ? [event, essence(args[0]), ...args.slice(1)] : [event, ...args],
  );

for (const kind of KINDS) {
  describe(`Admin protocol, ${kind}`, { timeout: 300_000 }, () => {
    describe("credentials", () => {
      const server = withServer(kind);
      const attempt = async (t, auth) => {
        const admin = new Admin(t, server.url, auth);
        const answer = await Promise.race([
          next(admin.socket, "connect").then(() => "accepted"),
          next(admin.socket, "connect_error").then(([error]) => error),
        ]);
        return { admin, answer };
      };

      for (const [title, auth] of [
        ["no credentials", undefined],
        ["empty ones", { username: "", password: "" }],
        ["a wrong password", { username: USER, password: "changedit" }],
        ["the hash as the password", { username: USER, password: "$2b$10$" }],
        ["another name", { username: "root", password: PASSWORD }],
        ["the name in other letters", { username: "ADMIN", password: PASSWORD }],
        ["a made-up session", { sessionId: "0123456789abcdef" }],
        ["an empty session", { sessionId: "" }],
        ["no session", { sessionId: null }],
      ]) {
        test(`${title}: refused, and nothing is told`, DEADLINE, async (t) => {
          const { admin, answer } = await attempt(t, auth);
          assert.deepEqual([answer.message, answer.data], ["invalid credentials", undefined]);
          // Somebody who is let in afterwards shows that there was nothing to come.
          const other = await Admin.open(t, server.url);
          await other.settle();
          assert.deepEqual([admin.log, admin.stats], [[], []]);
        });
      }

      test("the right ones bring a session, which lets in without them and brings no other one", DEADLINE, async (t) => {
        const { admin, answer } = await attempt(t, RIGHT);
        assert.equal(answer, "accepted");
        await expectEventually(() => admin.log.some(([event]) => event === "all_sockets"));
        const sessions = ({ log }) => log.filter(([event]) => event === "session");
        const [[, session], ...more] = sessions(admin);
        assert.deepEqual(more, []);
        assert.match(session, /^[0-9a-f]{16}$/);
        const again = await attempt(t, { sessionId: session });
        assert.equal(again.answer, "accepted");
        await expectEventually(() => again.admin.log.some(([event]) => event === "all_sockets"));
        assert.deepEqual(sessions(again.admin), []);
        const third = await attempt(t, RIGHT);
        await expectEventually(() => sessions(third.admin).length > 0);
        assert.notEqual(sessions(third.admin)[0][1], session);
      });
    });

    describe("development mode", () => {
      const server = withServer(kind);

      test("the beginning: own session, itself, features, everybody", DEADLINE, async (t) => {
        const early = await connect(t, server.url, { query: { label: "ü" } });
        await call(early, "join", "hall");
        await call(early, "keep", { nick: "Ann" });
        const admin = new Admin(t, server.url, RIGHT);
        await next(admin.socket, "connect");
        await expectEventually(() => admin.log.some(([event]) => event === "all_sockets"));
        admin.name(admin.socket, "admin");
        admin.name(early, "early");
        const told = plain(admin.told());
        const [, list] = told.pop();
        // Ours comes after the answer to CONNECT, since only that makes the page listen.
        const place = told.findIndex(([event]) => event === "session");
        const [[, session]] = told.splice(place, 1);
        assert.match(session, /^[0-9a-f]{16}$/);
        assert.deepEqual(told, [
          ["room_joined", "/admin", "admin", "admin", "<time>"],
          ["socket_connected", shown("admin", { nsp: "/admin" }), "<time>"],
          ["config", { supportedFeatures: [...COMMANDS, "AGGREGATED_EVENTS", "ALL_EVENTS"] }],
        ]);
        const byId = Object.fromEntries(list.map(essence).map((socket) => [socket.id, socket]));
        assert.deepEqual(byId.admin, shown("admin", { nsp: "/admin" }));
        const { rooms, ...others } = byId.early;
        assert.deepEqual(rooms.sort(), ["early", "hall"].sort());
        const { rooms: _, ...expected } = shown("early", { data: { value: { nick: "Ann" } }, query: { label: "ü" } });
        assert.deepEqual(others, expected);
      });

      test("a client comes, joins another namespace on its connection, and goes", DEADLINE, async (t) => {
        const admin = await Admin.open(t, server.url);
        const ann = await connect(t, server.url);
        const also = await connectAlso(ann, "/second");
        admin.name(also, "ann 2");
        admin.name(ann, "ann");
        await tells(admin, [
          ["room_joined", "/", "ann", "ann", "<time>"],
          ["socket_connected", shown("ann"), "<time>"],
          ["room_joined", "/second", "ann 2", "ann 2", "<time>"],
          ["socket_connected", { ...shown("ann 2", { nsp: "/second" }), clientId: "client of ann" }, "<time>"],
        ]);
        also.disconnect();
        await tells(admin, [
          ["socket_disconnected", "/second", "ann 2", "client namespace disconnect", "<time>"],
          ["room_left", "/second", "ann 2", "ann 2", "<time>"],
        ]);
        await call(ann, "join", "hall");
        await forget(admin);
        ann.io._close();
        await tells(admin, [
          ["socket_disconnected", "/", "ann", "transport close", "<time>"],
          ["room_left", "/", "ann", "ann", "<time>"],
          ["room_left", "/", "hall", "ann", "<time>"],
        ]);
      });

      test("a connection that breaks is told with its reason", DEADLINE, async (t) => {
        const admin = await Admin.open(t, server.url);
        const ann = await connect(t, server.url);
        admin.name(ann, "ann");
        await forget(admin);
        ann.io.engine.transport.ws.terminate();
        await tells(admin, [
          ["socket_disconnected", "/", "ann", "transport close", "<time>"],
          ["room_left", "/", "ann", "ann", "<time>"],
        ]);
      });

      test("polling is told as such, and so is its upgrade", DEADLINE, async (t) => {
        const admin = await Admin.open(t, server.url);
        const ann = await connect(t, server.url, { transports: ["polling", "websocket"] });
        if (ann.io.engine.transport.name !== "websocket") await next(ann.io.engine, "upgrade");
        admin.name(ann, "ann");
        await tells(admin, [
          ["room_joined", "/", "ann", "ann", "<time>"],
          ["socket_connected", shown("ann", { transport: "polling" }), "<time>"],
          ["socket_updated", { id: "ann", nsp: "/", transport: "websocket" }],
        ]);
      });

      test("events of clients and of the server are told with their arguments, bytes too, and without acks", DEADLINE, async (t) => {
        const [ann, bob] = [await connect(t, server.url), await connect(t, server.url)];
        const admin = await Admin.open(t, server.url);
        admin.name(ann, "ann");
        admin.name(bob, "bob");
        const bytes = Buffer.from([0, 255]);
        assert.deepEqual(await call(ann, "echo", "é", { deep: [1, null] }), "é");
        // One by one: what comes in one read is told before any of it is handled, or as it is.
        await echoed(ann, bytes, { also: bytes });
        await echoed(ann);
        const news = Promise.all([next(ann, "news"), next(bob, "news")]);
        ann.emit("unknown", 1);
        ann.emit("broadcast", "news", 1, [2]);
        await news;
        await tells(admin, [
          ["event_received", "/", "ann", ["echo", "é", { deep: [1, null] }], "<time>"],
          ["event_received", "/", "ann", ["echo", bytes, { also: bytes }], "<time>"],
          ["event_sent", "/", "ann", ["echo", bytes, { also: bytes }], "<time>"],
          ["event_received", "/", "ann", ["echo"], "<time>"],
          ["event_sent", "/", "ann", ["echo"], "<time>"],
          ["event_received", "/", "ann", ["unknown", 1], "<time>"],
          ["event_received", "/", "ann", ["broadcast", "news", 1, [2]], "<time>"],
          ["event_sent", "/", "ann", ["news", 1, [2]], "<time>"],
          ["event_sent", "/", "bob", ["news", 1, [2]], "<time>"],
        ]);
      });

      test("rooms and data are told as they change", DEADLINE, async (t) => {
        const [ann, bob] = [await connect(t, server.url), await connect(t, server.url)];
        const admin = await Admin.open(t, server.url);
        admin.name(ann, "ann");
        admin.name(bob, "bob");
        await call(ann, "join", "hall");
        await call(ann, "join", "hall");
        await call(ann, "keep", { nick: "Ann" });
        await call(ann, "keep", 2);
        ann.emit("room", "hall", "line", "x");
        await next(ann, "line");
        const received = (...args) => ["event_received", "/", "ann", args, "<time>"];
        await tells(admin, [
          received("join", "hall"),
          ["room_joined", "/", "hall", "ann", "<time>"],
          received("join", "hall"),
          received("keep", { nick: "Ann" }),
          ["socket_updated", { id: "ann", nsp: "/", data: { value: { nick: "Ann" } } }],
          received("keep", 2),
          ["socket_updated", { id: "ann", nsp: "/", data: { value: 2 } }],
          received("room", "hall", "line", "x"),
          ["event_sent", "/", "ann", ["line", "x"], "<time>"],
        ]);
      });

      test("two clients of the namespace are told the same", DEADLINE, async (t) => {
        const [first, second] = [await Admin.open(t, server.url), await Admin.open(t, server.url)];
        await forget(first);
        const ann = await connect(t, server.url);
        await call(ann, "echo", 1);
        await first.settle();
        await second.settle();
        assert.deepEqual(first.log, second.log);
        assert.deepEqual(first.log.map(([event]) => event), ["room_joined", "socket_connected", "event_received"]);
      });

      describe("commands", () => {
        /** Three clients, an admin client that knows them, and what they hear. */
        async function scene(t) {
          const clients = [];
          for (const _ of "123") clients.push(await connect(t, server.url));
          const [ann, bob, cid] = clients;
          const admin = await Admin.open(t, server.url);
          ["ann", "bob", "cid"].forEach((name, i) => admin.name(clients[i], name));
          const heard = clients.map((socket) => {
            const list = [];
            socket.onAny((...args) => list.push(args));
            return list;
          });
          return { admin, ann, bob, cid, heard };
        }

        test("emit reaches the namespace, a room, a socket", DEADLINE, async (t) => {
          const { admin, ann, bob, cid, heard } = await scene(t);
          await call(bob, "join", "hall");
          await forget(admin);
          const bytes = Buffer.from([1, 2]);
          admin.emit("emit", "/", null, "from-ui", "arg1", 2, bytes);
          admin.emit("emit", "/", cid.id, "one", "only Cid");
          admin.emit("emit", "/", "hall", "some");
          admin.emit("emit", "/", undefined, "end");
          await Promise.all([ann, bob, cid].map((socket) => next(socket, "end")));
          const all = ["from-ui", "arg1", 2, bytes];
          assert.deepEqual(heard, [
            [all, ["end"]],
            [all, ["some"], ["end"]],
            [all, ["one", "only Cid"], ["end"]],
          ]);
          const sent = (name, ...args) => ["event_sent", "/", name, args, "<time>"];
          await tells(admin, [
            ...["ann", "bob", "cid"].map((name) => sent(name, ...all)),
            sent("cid", "one", "only Cid"),
            sent("bob", "some"),
            ...["ann", "bob", "cid"].map((name) => sent(name, "end")),
          ]);
        });

        test("join and leave move one socket, a room, the namespace", DEADLINE, async (t) => {
          const { admin } = await scene(t);
          const [ann] = [...admin.names].find(([, name]) => name === "ann");
          const joined = (room, name) => ["room_joined", "/", room, name, "<time>"];
          const left = (room, name) => ["room_left", "/", room, name, "<time>"];
          const everybody = ["ann", "bob", "cid"];
          admin.emit("join", "/", "one", ann);
          await tells(admin, [joined("one", "ann")]);
          admin.emit("join", "/", "two", "one");
          await tells(admin, [joined("two", "ann")]);
          admin.emit("join", "/", "all");
          await tells(admin, everybody.map((name) => joined("all", name)));
          admin.emit("leave", "/", "one", "two");
          await tells(admin, [left("one", "ann")]);
          admin.emit("leave", "/", "two", ann);
          await tells(admin, [left("two", "ann")]);
          admin.emit("leave", "/", "nobody is here");
          admin.emit("leave", "/", "all");
          await tells(admin, everybody.map((name) => left("all", name)));
        });

        test("a disconnection takes one socket, its whole connection, a room", DEADLINE, async (t) => {
          const { admin, ann, bob, cid } = await scene(t);
          const stays = await connectAlso(ann, "/second");
          const also = await connectAlso(bob, "/second");
          admin.name(also, "bob 2");
          admin.name(bob, "bob");
          await call(cid, "join", "hall");
          await forget(admin);
          const ended = (nsp, name) => ["socket_disconnected", nsp, name, "server namespace disconnect", "<time>"];
          const left = (nsp, name, room = name) => ["room_left", nsp, room, name, "<time>"];
          const end = (socket) => next(socket, "disconnect");

          let ends = [end(ann)];
          admin.emit("_disconnect", "/", false, ann.id);
          assert.equal((await Promise.all(ends))[0][0], "io server disconnect");
          await tells(admin, [ended("/", "ann"), left("/", "ann")]);
          assert.equal(await call(stays, "echo", 1), 1);
          await forget(admin);

          ends = [end(bob), end(also), next(bob.io.engine, "close")];
          admin.emit("_disconnect", "/", true, bob.id);
          await Promise.all(ends);
          await tells(admin, [
            ended("/", "bob"),
            ended("/second", "bob 2"),
            left("/", "bob"),
            left("/second", "bob 2"),
          ]);

          ends = [end(cid)];
          admin.emit("_disconnect", "/", false, "hall");
          await Promise.all(ends);
          await tells(admin, [ended("/", "cid"), left("/", "cid"), left("/", "cid", "hall")]);
        });
      });
    });

    describe("the sums", () => {
      const server = withServer(kind, ["--server-id", "this one"]);

      test("come every two seconds and count what happened since", DEADLINE, async (t) => {
        const admin = await Admin.open(t, server.url);
        await expectEventually(() => admin.stats.length > 0);
        admin.stats.length = 0;
        const ann = await connect(t, server.url);
        const polling = await connect(t, server.url, { transports: ["polling"] });
        await expectEventually(() => admin.stats.some(({ clientsCount }) => clientsCount === 3));
        const { uptime, hostname, aggregatedEvents, namespaces, ...rest } = admin.stats.at(-1);
        assert.deepEqual(rest, { serverId: "this one", pid: server.pid, clientsCount: 3, pollingClientsCount: 1 });
        assert.equal(typeof hostname, "string");
        assert.ok(uptime > 0 && uptime < 300 && !Number.isInteger(uptime), `up for ${uptime} s`);
        const byName = namespaces.map(({ name, socketsCount, ...more }) => {
          assert.deepEqual(more, {});
          return [name, socketsCount];
        });
        assert.deepEqual(byName.sort(), [["/", 2], ["/admin", 1], ["/second", 0]]);

        ann.io.engine.transport.ws.terminate();
        polling.io._close();
        const from = admin.stats.length;
        await expectEventually(() => admin.stats.some(({ clientsCount }) => clientsCount === 1));
        await expectEventually(() => admin.stats.length >= from + 2);
        const sums = {};
        for (const { timestamp, type, subType, count, ...more } of admin.stats.flatMap((each) => each.aggregatedEvents)) {
          assert.deepEqual(more, {});
          assert.ok(Number.isInteger(timestamp) && timestamp % 1000 === 0 && count > 0, `${type} ${timestamp} ${count}`);
          assert.ok(Math.abs(Date.now() - timestamp) < 30_000);
          const key = subType === undefined ? type : `${type}, ${subType}`;
          sums[key] = (sums[key] ?? 0) + count;
        }
        const { packetsIn, packetsOut, bytesIn, bytesOut, ...lives } = sums;
        assert.deepEqual(lives, { rawConnection: 2, "rawDisconnection, transport close": 2 });
        assert.ok(packetsIn >= 2 && packetsOut >= 2 && bytesIn >= packetsIn && bytesOut > bytesIn, JSON.stringify(sums));
      });

      test("messages and bytes that came in are counted exactly", DEADLINE, async (t) => {
        const admin = await Admin.open(t, server.url);
        await expectEventually(() => admin.stats.length > 0);
        const before = admin.stats.length;
        await expectEventually(() => admin.stats.length > before);
        const from = admin.stats.length;
        const ann = await connect(t, server.url);
        await echoed(ann, "é");
        await echoed(ann, Buffer.from([1, 2, 3]));
        await expectEventually(() => admin.stats.length >= from + 2);
        const count = (wanted) =>
          admin.stats.slice(from).flatMap((each) => each.aggregatedEvents)
            .filter(({ type }) => type === wanted).reduce((sum, each) => sum + each.count, 0);
        // 0, 2["echo","é"], 51-["echo",{"_placeholder":true,"num":0}] and three bytes.
        const packets = ["0", '2["echo","é"]', '51-["echo",{"_placeholder":true,"num":0}]'];
        assert.equal(count("packetsIn"), packets.length + 1);
        assert.equal(count("bytesIn"), packets.reduce((sum, text) => sum + Buffer.byteLength(text), 3));
      });
    });

    describe("read-only", () => {
      const server = withServer(kind, ["--read-only"]);

      test("no command is offered, and none is obeyed", DEADLINE, async (t) => {
        const ann = await connect(t, server.url);
        const heard = [];
        ann.onAny((event) => heard.push(event));
        const admin = new Admin(t, server.url, RIGHT);
        await expectEventually(() => admin.log.some(([event]) => event === "all_sockets"));
        const [, config] = admin.log.find(([event]) => event === "config");
        assert.deepEqual(config, { supportedFeatures: ["AGGREGATED_EVENTS", "ALL_EVENTS"] });
        admin.name(ann, "ann");
        admin.log.length = 0;
        admin.emit("emit", "/", null, "nope");
        admin.emit("join", "/", "hall");
        admin.emit("leave", "/", ann.id);
        admin.emit("_disconnect", "/", true);
        // Of the next connection the server knows later.
        const bob = await connect(t, server.url);
        admin.name(bob, "bob");
        await call(ann, "echo", 1);
        bob.emit("broadcast", "end");
        await next(ann, "end");
        await expectEventually(() => admin.log.length >= 6);
        assert.deepEqual(heard, ["end"]);
        assert.deepEqual(plain(admin.told()), [
          ["room_joined", "/", "bob", "bob", "<time>"],
          ["socket_connected", shown("bob"), "<time>"],
          ["event_received", "/", "ann", ["echo", 1], "<time>"],
          ["event_received", "/", "bob", ["broadcast", "end"], "<time>"],
          ["event_sent", "/", "ann", ["end"], "<time>"],
          ["event_sent", "/", "bob", ["end"], "<time>"],
        ]);
      });
    });

    describe("production mode", () => {
      const server = withServer(kind, ["--production"]);

      test("nothing but the features and the sums is told; commands are obeyed", DEADLINE, async (t) => {
        const admin = new Admin(t, server.url, RIGHT);
        await next(admin.socket, "connect");
        const ann = await connect(t, server.url);
        await call(ann, "echo", 1);
        await call(ann, "join", "hall");
        const end = next(ann, "disconnect");
        admin.emit("_disconnect", "/", true, "hall");
        await end;
        const from = admin.stats.length;
        await expectEventually(() => admin.stats.length >= from + 2);
        const told = admin.log.filter(([event]) => event !== "session");
        assert.deepEqual(told, [["config", { supportedFeatures: [...COMMANDS, "AGGREGATED_EVENTS"] }]]);
        const kinds = new Set(admin.stats.flatMap((each) => each.aggregatedEvents).map(({ type }) => type));
        assert.ok(kinds.has("rawConnection") && kinds.has("bytesIn"), [...kinds].join());
      });
    });
  });
}

/** Emits without an ack and waits for the echo. */
async function echoed(socket, ...args) {
  const echo = next(socket, "echo");
  socket.emit("echo", ...args);
  assert.deepEqual(await echo, args);
}

/** Begins anew, after what there was to tell. */
async function forget(admin) {
  await admin.settle();
  admin.log.length = 0;
}

/** Whom an event is about. */
function whom([event, ...args]) {
  if (event === "socket_connected" || event === "socket_updated") return args[0].id;
  return event.startsWith("room") ? args[2] : args[1];
}

/**
 * Waits until exactly this was told since the log was last empty, about each socket in this order; sockets that
 * something befalls together have none among each other.
 */
async function tells(admin, expected) {
  await expectEventually(() => admin.log.length >= expected.length).catch(() => {});
  await admin.settle();
  const told = plain(admin.told());
  admin.log.length = 0;
  const sorted = (list) => list.toSorted((a, b) => (whom(a) < whom(b) ? -1 : whom(a) > whom(b) ? 1 : 0));
  assert.deepEqual(sorted(told), sorted(expected));
}
