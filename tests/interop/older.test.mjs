// Older releases of the official client, over each transport they have; release 2 speaks Engine.IO 3.
import assert from "node:assert/strict";
import { collect, connect as connectNew, inModes, MODES, next, suite, TestServer, unusedPort, watch } from "./harness.mjs";
import { ask, connect, open, refusal, RELEASES } from "./older.mjs";

const FLAGS = { "allow-eio3": 1 };
const range = (n) => Array.from({ length: n }, (_, i) => i);
const TEXTS = ["", "é€", "😀 \ud800\udc00", "\u2028\u0000\"\\", "てすと".repeat(1000)];

/** The same test once per release and transport. */
function everywhere(test, title, run, modes) {
  for (const client of RELEASES) {
    inModes(test, `${title}, client ${client.name}`, (t, mode) => run(t, client, mode), modes);
  }
}

suite("older clients", { flags: FLAGS }, (server, test) => {
  everywhere(test, "client is refused, and may try again on the same connection", async (t, client, mode) => {
    const main = await connect(t, server, client, { mode });
    const refused = open(t, server, client, { ns: "/guarded", beside: main, auth: { token: "wrong" } });
    const data = { code: 401, hint: "token" };
    assert.deepEqual(await refusal(refused, client), client.legacy ? data : { message: "not authorized", data });
    if (client.legacy) refused.query = "token=secret";
    else refused.auth = { token: "secret" };
    const joined = next(refused, "connect");
    // Release 2 believes that it is connecting still.
    if (client.legacy) refused.onopen();
    else refused.connect();
    await joined;
    assert.equal(await ask(refused, "echo", "in"), "in");
    assert.equal(await ask(main, "echo", "still here"), "still here");
  });

  everywhere(test, "unknown namespace is refused", async (t, client, mode) => {
    const main = await connect(t, server, client, { mode });
    const unknown = open(t, server, client, { ns: "/unknown", beside: main });
    const error = await refusal(unknown, client);
    assert.equal(error.message, "Invalid namespace");
    assert.equal(await ask(main, "echo", 1), 1);
  });

  everywhere(test, "events and acks go both ways", async (t, client, mode) => {
    const socket = await connect(t, server, client, { mode });
    assert.equal(socket.io.engine.transport.name, MODES[mode].at(-1));
    assert.equal(await ask(socket, "echo", "hello"), "hello");
    const echoed = next(socket, "echo");
    socket.emit("echo", 1, "two", [3], { four: null }, false);
    assert.deepEqual(await echoed, [1, "two", [3], { four: null }, false]);
    socket.on("question", (value, ack) => ack({ answer: value }));
    assert.deepEqual((await ask(socket, "ask", "q", 5000)).answer, { answer: "q" });
    const counted = collect(socket, "n");
    assert.equal(await ask(socket, "count", 200), 200);
    assert.deepEqual(await counted.reach(200), range(200));
    for (const i of range(200)) socket.emit("item", i);
    assert.deepEqual(await ask(socket, "items"), range(200));
  });

  everywhere(test, "text arrives as it was sent", async (t, client, mode) => {
    const socket = await connect(t, server, client, { mode });
    for (const text of TEXTS) assert.equal(await ask(socket, "echo", text), text);
    const sizes = await Promise.all(TEXTS.map((text) => ask(socket, "describe", text)));
    assert.deepEqual(sizes, TEXTS.map((text) => [`string:${Buffer.byteLength(text)}`]));
  });

  everywhere(test, "binary goes both ways", async (t, client, mode) => {
    const socket = await connect(t, server, client, { mode });
    const bytes = Buffer.from(range(256));
    const nested = { a: bytes, list: [Buffer.alloc(0), "é"] };
    assert.deepEqual(await ask(socket, "echo", nested), nested);
    const echoed = next(socket, "echo");
    socket.emit("echo", bytes, "text", nested);
    assert.deepEqual(await echoed, [bytes, "text", nested]);
    const made = await ask(socket, "make-binary", 100_000);
    assert.ok(made.every((byte, i) => byte === i % 256) && made.length === 100_000);
    assert.deepEqual(await ask(socket, "describe", made), ["binary:100000"]);
    const nestedFromServer = { a: Buffer.from([1, 2, 3]), list: [Buffer.alloc(0), "é", Buffer.from([255])], deep: { b: Buffer.from([0]) } };
    assert.deepEqual(await ask(socket, "make-nested"), nestedFromServer);
    socket.on("question", (value, ack) => ack(Buffer.concat([value, value])));
    const { answer } = await ask(socket, "ask", Buffer.from([1, 2]), 5000);
    assert.deepEqual(answer, Buffer.from([1, 2, 1, 2]));
  });

  everywhere(test, "base64 is enough for a client", async (t, client, mode) => {
    const socket = await connect(t, server, client, { mode, forceBase64: true });
    const bytes = Buffer.from(range(256));
    assert.deepEqual(Buffer.from(await ask(socket, "echo", bytes)), bytes);
    assert.deepEqual(Buffer.from(await ask(socket, "make-binary", 5)), Buffer.from(range(5)));
  });

  everywhere(test, "query and auth reach the server", async (t, client, mode) => {
    const query = { a: "b c&=?", n: "1" };
    const socket = await connect(t, server, client, { mode, query });
    const handshake = await ask(socket, "handshake");
    assert.equal(handshake.query.a, query.a);
    assert.equal(handshake.query.n, "1");
    assert.equal(handshake.query.EIO, client.legacy ? "3" : "4");
    assert.deepEqual(handshake.auth, {});
    const auth = { token: "secret", "k&": "é €" };
    const guarded = await connect(t, server, client, { ns: "/guarded", mode, auth });
    assert.deepEqual((await ask(guarded, "handshake")).auth, auth);
  });

  everywhere(test, "namespaces share a connection", async (t, client, mode) => {
    const main = await connect(t, server, client, { mode });
    const second = open(t, server, client, { ns: "/second", beside: main });
    await next(second, "connect");
    const { id: sid } = main.io.engine;
    if (client.legacy) {
      assert.equal(main.id, sid);
      assert.equal(second.id, `/second#${sid}`);
    } else {
      assert.equal(new Set([main.id, second.id, sid]).size, 3);
    }
    assert.equal((await ask(main, "handshake")).id, main.id);
    assert.equal((await ask(second, "handshake")).id, second.id);
    assert.deepEqual(await ask(second, "rooms"), [second.id]);
    second.emit("item", "second");
    assert.deepEqual(await ask(main, "items"), []);
    assert.deepEqual(await ask(second, "items"), ["second"]);
    const left = next(second, "disconnect");
    second.disconnect();
    assert.deepEqual(await left, ["io client disconnect"]);
    assert.equal(await ask(main, "echo", 1), 1);
  });

  everywhere(test, "ends have their reasons on both sides", async (t, client, mode) => {
    const ends = await watch(t, server);
    const cases = [
      [(socket) => socket.disconnect(), "io client disconnect", "client namespace disconnect"],
      [(socket) => socket.emit("kick", false), "io server disconnect", "server namespace disconnect"],
      [(socket) => socket.emit("kick", true), "io server disconnect", "server namespace disconnect"],
      [(socket) => socket.emit("drop-me"), "transport close", "forced close"],
      [(socket) => socket.io.engine.close(), "forced close", "transport close"],
    ];
    for (const [end, ofClient, ofServer] of cases) {
      const socket = await connect(t, server, client, { mode });
      const { id } = socket;
      const ended = next(socket, "disconnect");
      end(socket);
      assert.equal((await ended)[0], ofClient);
      assert.equal(await ends.reason(id), ofServer);
    }
  });

  everywhere(test, "client returns after the server dropped it", async (t, client, mode) => {
    const socket = await connect(t, server, client, { mode, reconnection: true });
    const { id } = socket;
    const back = next(socket, "connect", { where: () => socket.id !== id });
    socket.emit("drop-me");
    await next(socket, "disconnect");
    for (const i of range(20)) socket.emit("item", i);
    await back;
    assert.deepEqual(await ask(socket, "items"), range(20));
  });

  test("all releases meet in one room", async (t) => {
    const members = [];
    for (const client of RELEASES) {
      for (const mode of Object.keys(MODES)) members.push(await connect(t, server, client, { mode }));
      members.push(await connect(t, server, client, { mode: "polling", forceBase64: true }));
    }
    members.push(await connectNew(t, server, {}), await connectNew(t, server, { mode: "polling" }));
    const room = `hall-${members[0].id}`;
    for (const member of members) await ask(member, "join", room);
    const [outside] = members;
    await ask(outside, "leave", room);
    const ids = members.slice(1).map((member) => member.id).sort();
    assert.deepEqual(await ask(outside, "members", room), ids);
    for (const sender of members) {
      const payload = { from: sender.id, bytes: Buffer.from([1, 2, 3]), text: "é😀" };
      const said = members.slice(1).filter((member) => member !== sender).map((member) => next(member, "said"));
      const unheard = collect(outside, "said").values;
      await ask(sender, "cast", { to: [room] }, "said", payload);
      for (const [heard] of await Promise.all(said)) {
        assert.deepEqual({ ...heard, bytes: Buffer.from(heard.bytes) }, payload);
      }
      assert.deepEqual(unheard, []);
    }
    const excluded = members.at(-1);
    const heard = members.slice(1, -1).map((member) => next(member, "but-one"));
    const unheard = collect(excluded, "but-one").values;
    await ask(outside, "cast", { to: [room], except: [excluded.id] }, "but-one", 1);
    await Promise.all(heard);
    await ask(excluded, "echo", 1);
    assert.deepEqual(unheard, []);
  });
});

suite("older clients' heartbeat", { flags: { ...FLAGS, "ping-interval": 150, "ping-timeout": 1000 } }, (server, test) => {
  everywhere(test, "heartbeats keep the connection", async (t, client, mode) => {
    const socket = await connect(t, server, client, { mode });
    // In release 2 the client pings and the server answers, later it is the other way round.
    const type = client.legacy ? "pong" : "ping";
    for (let i = 0; i < 4; i++) await next(socket.io.engine, "packet", { where: (packet) => packet.type === type });
    assert.equal(socket.connected, true);
    assert.equal(await ask(socket, "echo", 1), 1);
  });
});

suite("older clients and a restart", { ownServer: true }, (ofSuite, test) => {
  everywhere(test, "client returns to a server started again on its port", async (t, client, mode) => {
    const server = new TestServer({ ...ofSuite.flags, ...FLAGS });
    server.port = await unusedPort();
    await server.start();
    t.after(() => server.stop());
    const socket = await connect(t, server, client, { mode, reconnection: true });
    const ended = next(socket, "disconnect");
    await server.stop();
    // Whoever comes back for the next poll may find nobody there.
    assert.match((await ended)[0], mode === "polling" ? /^transport (close|error)$/ : /^transport close$/);
    for (const i of range(20)) socket.emit("item", i);
    const items = ask(socket, "items");
    await server.start();
    assert.deepEqual(await items, range(20));
  });
});

suite("clients of Engine.IO 3 where they are not allowed", { workers: [1] }, (server, test) => {
  const [legacy] = RELEASES.filter((client) => client.legacy);
  inModes(test, "client 2.5 is refused", async (t, mode) => {
    const socket = open(t, server, legacy, { mode });
    await next(socket, "connect_error");
    assert.equal(socket.connected, false);
  });
});
