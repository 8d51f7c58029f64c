// The MessagePack parser on both sides: events, acks, bytes, namespaces, refusals, rooms.
import assert from "node:assert/strict";
import {
  ask, call, collect, connect, connected, fence, inModes, manager, next, rawWebSocket, socketOf, suite, watch,
} from "./harness.mjs";

const LARGE = 100_000;
const bytes = (...values) => Buffer.from(values);
const fill = (length, make) => Array.from({ length }, (_, i) => make(i));

/** Arguments that come back as they are. */
const CASES = {
  "no argument": [],
  "null and booleans": [null, true, false],
  "small numbers": [0, 1, 127, 128, 255, 256, -1, -32, -33, -128, -129],
  "large numbers": [65535, 65536, 4294967295, 4294967296, 2 ** 53 - 1, -32769, -2147483649, 1 - 2 ** 53],
  "fractions": [1.5, -0.1, 1e-7, 123456.789],
  "texts": ["", "é😀", "\"\\\n\u0000\u001e", "x".repeat(31), "x".repeat(32), "x".repeat(256), "x".repeat(70_000)],
  "lists": [[], [[]], fill(15, (i) => i), fill(16, (i) => i), fill(70_000, () => 0)],
  "objects": [{}, { a: { "ключ": [null] } }, Object.fromEntries(fill(16, (i) => [`k${i}`, i]))],
  "bytes": [bytes(), bytes(1, 2, 3), Buffer.alloc(255, 1), Buffer.alloc(256, 2), Buffer.alloc(LARGE, 3)],
  "bytes deep inside": [{ a: [{ b: bytes(1) }] }, [bytes(2), "x"]],
  "more bytes than the text parser takes": [fill(100, (i) => bytes(i))],
  "what looks like a placeholder": [{ _placeholder: true, num: 0 }],
};

suite("msgpack", { flags: { msgpack: 1 } }, (server, test) => {
  for (const [title, args] of Object.entries(CASES)) {
    inModes(test, `${title} through an ack`, async (t, mode) => {
      const socket = await connect(t, server, { mode });
      assert.deepEqual(await call(socket, "echo", ...args), args);
    });

    inModes(test, `${title} through an event`, async (t, mode) => {
      const socket = await connect(t, server, { mode });
      const back = next(socket, "echo");
      socket.emit("echo", ...args);
      assert.deepEqual(await back, args);
    });
  }

  inModes(test, "server sees values of the right kinds", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const args = [null, true, 1, -1.5, "é", bytes(1, 2), [1], { a: 1 }];
    const kinds = ["null", "bool", "number", "number", "string:2", "binary:2", "array:1", "object:1"];
    assert.deepEqual(await ask(socket, "describe", ...args), kinds);
  });

  inModes(test, "typed arguments are read", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.equal(await ask(socket, "typed-sum", 20, 22), 42);
  });

  inModes(test, "answers without a value, with several, and with bytes", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.deepEqual(await call(socket, "ack-none"), []);
    assert.deepEqual(await call(socket, "ack-values"), [1, "two", [3], { four: 4 }, null]);
    assert.deepEqual(await call(socket, "make-nested"), [
      { a: bytes(1, 2, 3), list: [bytes(), "é", bytes(0xff)], deep: { b: bytes(0) } },
    ]);
  });

  inModes(test, "server is answered by the client", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    socket.on("question", (value, reply) => reply(value, "ignored"));
    for (const value of ["x", null, { n: 1 }, bytes(9)]) {
      const { outcome, answer } = await ask(socket, "ask", value, 4000);
      assert.deepEqual([outcome, answer], ["answer", value]);
    }
    assert.deepEqual(await ask(socket, "ask-burst", 50, 4000), new Array(50).fill(0).map((_, i) => i));
  });

  inModes(test, "a client that does not answer", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.equal((await ask(socket, "ask", 1, 50)).outcome, "timeout");
    await fence(socket);
  });

  inModes(test, "many events stay in order", async (t, mode) => {
    const socket = await connect(t, server, { mode, settle: false });
    const numbers = collect(socket, "n");
    await call(socket, "count", 1000);
    assert.deepEqual(numbers.values, fill(1000, (i) => i));
  });

  inModes(test, "several namespaces on one connection", async (t, mode) => {
    const connection = manager(t, server, { mode });
    const sockets = ["/", "/second"].map((ns) => socketOf(connection, ns, { auth: { ns, bin: 1 } }));
    await Promise.all(sockets.map(connected));
    for (const socket of sockets) {
      const { id, ns, auth } = await ask(socket, "handshake");
      assert.deepEqual([id, auth], [socket.id, { ns, bin: 1 }]);
    }
  });

  inModes(test, "refused with data, then let in", async (t, mode) => {
    const connection = manager(t, server, { mode });
    const socket = socketOf(connection, "/guarded", { auth: { token: "wrong" } });
    const [error] = await next(socket, "connect_error");
    assert.equal(error.message, "not authorized");
    assert.deepEqual(error.data, { code: 401, hint: "token" });
    socket.auth = { token: "secret" };
    socket.connect();
    await connected(socket);
    assert.equal(await ask(socket, "echo", 1), 1);
  });

  inModes(test, "unknown namespace", async (t, mode) => {
    const connection = manager(t, server, { mode });
    const [[error], main] = await Promise.all([
      next(socketOf(connection, "/none"), "connect_error"),
      (async () => {
        const socket = socketOf(connection);
        await connected(socket);
        return socket;
      })(),
    ]);
    assert.equal(error.message, "Invalid namespace");
    assert.equal(error.data, undefined);
    await fence(main);
  });

  inModes(test, "rooms and broadcasts with bytes", async (t, mode) => {
    const sockets = await Promise.all(fill(4, () => connect(t, server, { mode })));
    const heard = sockets.map((socket) => collect(socket, "said").values);
    const room = `room of ${sockets[0].id}`;
    await Promise.all([call(sockets[1], "join", room), call(sockets[2], "join", room)]);
    await call(sockets[0], "cast", { to: [room] }, "said", { b: bytes(1) });
    await call(sockets[1], "cast", { to: [room], self: true }, "said", [2]);
    await fence(...sockets);
    const [one, two] = [{ b: bytes(1) }, [2]];
    assert.deepEqual(heard, [[], [one, two], [one, two], []]);
  });

  inModes(test, "emits from outside of handlers", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const news = next(socket, "news");
    await server.emit({ room: socket.id, event: "news", data: { a: [1, null, "é"] } });
    assert.deepEqual(await news, [{ a: [1, null, "é"] }]);
  });

  inModes(test, "both sides can leave", async (t, mode) => {
    const watcher = await watch(t, server);
    const [kicked, leaving] = await Promise.all([connect(t, server, { mode }), connect(t, server, { mode })]);
    const ids = [kicked.id, leaving.id];
    const ended = next(kicked, "disconnect");
    kicked.emit("kick");
    assert.equal((await ended)[0], "io server disconnect");
    leaving.disconnect();
    assert.equal(await watcher.reason(ids[0]), "server namespace disconnect");
    assert.equal(await watcher.reason(ids[1]), "client namespace disconnect");
  });

  test("a client with the text parser is put out", async (t) => {
    const raw = await rawWebSocket(t, server);
    assert.match(await raw.frame(), /^0/);
    raw.send("40");
    await raw.closed();
    const bystander = await connect(t, server, { mode: "websocket" });
    await fence(bystander);
  });
});
