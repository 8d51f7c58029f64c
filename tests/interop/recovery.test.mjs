// Connection state recovery: the official client loses its connection and comes back as who it was.
import assert from "node:assert/strict";
import { ask, call, collect, connect, connected, fence, inModes, next, suite, watch } from "./harness.mjs";

const range = (n) => Array.from({ length: n }, (_, i) => i);
const sorted = (list) => [...list].sort();

/** A client that has got an event and so can come back; it does so when told. */
async function greeted(t, server, options) {
  const socket = await connect(t, server, options);
  const heard = next(socket, "hello");
  await server.emit({ event: "hello", data: 0 });
  await heard;
  return socket;
}

/** The server cuts the connection; resolves when both sides know. `watcher` hears who is gone. */
async function lose(socket, watcher) {
  const { id } = socket;
  const gone = next(watcher, "gone", { where: (one) => one.id === id && one.stage === "disconnect" });
  const ended = next(socket, "disconnect");
  socket.emit("drop-me");
  assert.equal((await ended)[0], "transport close");
  await gone;
}

async function comeBack(socket) {
  socket.connect();
  await connected(socket);
}

suite("recovery", { flags: { recovery: 60000 } }, (server, test) => {
  inModes(test, "missed events, rooms and data come back", async (t, mode) => {
    const watcher = await connect(t, server, { ns: "/watch" });
    const socket = await greeted(t, server, { mode });
    const room = `room ${mode}`;
    await call(socket, "join", room);
    socket.emit("item", "kept");
    await fence(socket);
    const { id } = socket;
    assert.equal(socket.recovered, false);
    await lose(socket, watcher);

    const seen = [];
    socket.onAny((event, ...args) => seen.push([event, args[0]]));
    await server.emit({ event: "all", data: 1 });
    await server.emit({ room, event: "room", data: [2] });
    await server.emit({ room: "another", event: "other", data: 3 });
    await server.emit({ room: id, event: "direct", data: "4" });
    await comeBack(socket);
    assert.equal(socket.recovered, true);
    assert.equal(socket.id, id);
    await fence(socket);
    assert.deepEqual(seen, [["all", 1], ["room", [2]], ["direct", "4"]]);
    assert.deepEqual(await ask(socket, "rooms"), sorted([id, room]));
    assert.deepEqual(await ask(socket, "items"), ["kept"]);
    assert.deepEqual(await ask(socket, "members", room), [id]);
  });

  inModes(test, "a client comes back again and again", async (t, mode) => {
    const watcher = await connect(t, server, { ns: "/watch" });
    const socket = await greeted(t, server, { mode });
    const { id } = socket;
    const numbers = collect(socket, `number ${mode}`).values;
    for (const turn of range(3)) {
      await lose(socket, watcher);
      await server.emit({ event: `number ${mode}`, data: turn });
      await comeBack(socket);
      assert.equal(socket.recovered, true);
      assert.equal(socket.id, id);
    }
    await fence(socket);
    assert.deepEqual(numbers, range(3));
  });

  inModes(test, "bytes that were missed arrive", async (t, mode) => {
    const watcher = await connect(t, server, { ns: "/watch" });
    const socket = await greeted(t, server, { mode });
    const other = await connect(t, server);
    await lose(socket, watcher);
    const arrived = next(socket, `bytes ${mode}`);
    await call(other, "cast", {}, `bytes ${mode}`, { deep: [Buffer.from([1, 2, 3])] });
    await comeBack(socket);
    assert.equal(socket.recovered, true);
    const [{ deep }] = await arrived;
    assert.deepEqual(Buffer.from(deep[0]), Buffer.from([1, 2, 3]));
  });

  inModes(test, "a client that reconnects by itself misses nothing of a stream", async (t, mode) => {
    const socket = await greeted(t, server, { mode, reconnection: true });
    const other = await connect(t, server);
    const { id } = socket;
    const heard = collect(socket, `stream ${mode}`);
    const flow = collect(other, `stream ${mode}`);
    for (const turn of range(4)) {
      const back = next(socket, "connect");
      socket.emit("drop-me");
      for (const i of range(25)) other.emit("cast", { self: true }, `stream ${mode}`, turn * 25 + i);
      await back;
      assert.equal(socket.recovered, true);
      assert.equal(socket.id, id);
    }
    await heard.reach(100);
    await fence(socket, other);
    assert.deepEqual(heard.values, range(100));
    assert.deepEqual(flow.values, range(100));
  });

  inModes(test, "all namespaces of a connection come back", async (t, mode) => {
    const watcher = await connect(t, server, { ns: "/watch" });
    const socket = await greeted(t, server, { mode });
    const second = socket.io.socket("/second");
    await connected(second);
    const heard = next(second, "hello");
    await server.emit({ ns: "/second", event: "hello", data: 0 });
    await heard;
    const ids = [socket.id, second.id];
    await lose(socket, watcher);
    const missed = next(second, "missed");
    await server.emit({ ns: "/second", event: "missed", data: mode });
    second.connect();
    await comeBack(socket);
    await connected(second);
    assert.deepEqual([socket.id, second.id], ids);
    assert.deepEqual([socket.recovered, second.recovered], [true, true]);
    assert.equal((await missed)[0], mode);
  });

  inModes(test, "who has left on purpose is somebody else", async (t, mode) => {
    const socket = await greeted(t, server, { mode });
    const { id } = socket;
    const heard = collect(socket, `between ${mode}`).values;
    const records = await watch(t, server);
    socket.disconnect();
    assert.equal(await records.reason(id), "client namespace disconnect");
    await server.emit({ event: `between ${mode}`, data: 1 });
    await comeBack(socket);
    assert.equal(socket.recovered, false);
    assert.notEqual(socket.id, id);
    await fence(socket);
    assert.deepEqual(heard, []);
    assert.deepEqual(await ask(socket, "items"), []);
  });

  inModes(test, "who was sent away is somebody else", async (t, mode) => {
    const socket = await greeted(t, server, { mode });
    const { id } = socket;
    const ended = next(socket, "disconnect");
    socket.emit("kick", false);
    assert.equal((await ended)[0], "io server disconnect");
    await comeBack(socket);
    assert.equal(socket.recovered, false);
    assert.notEqual(socket.id, id);
  });

  inModes(test, "a client that got nothing yet is somebody else", async (t, mode) => {
    const watcher = await connect(t, server, { ns: "/watch" });
    const socket = await connect(t, server, { mode, ns: "/guarded", auth: { token: "secret" } });
    const { id } = socket;
    await lose(socket, watcher);
    await comeBack(socket);
    assert.equal(socket.recovered, false);
    assert.notEqual(socket.id, id);
  });
});

suite("recovery after a restart", { flags: { recovery: 60000 }, ownServer: true }, (server, test) => {
  test("a client is somebody else to another process", async (t) => {
    await server.start();
    const socket = await greeted(t, server, {});
    const { id } = socket;
    const ended = next(socket, "disconnect");
    await server.stop();
    await ended;
    await server.start();
    await comeBack(socket);
    assert.equal(socket.recovered, false);
    assert.notEqual(socket.id, id);
  });
});

// The reference keeps its sessions in memory, too, and looks at the clock in the same way.
suite("recovery, late", { flags: { recovery: 1 } }, (server, test) => {
  test("a client that comes too late is somebody else", async (t) => {
    const watcher = await connect(t, server, { ns: "/watch" });
    const socket = await greeted(t, server, {});
    const { id } = socket;
    await lose(socket, watcher);
    const since = performance.now();
    while (performance.now() - since < 5) await fence(await connect(t, server));
    await comeBack(socket);
    assert.equal(socket.recovered, false);
    assert.notEqual(socket.id, id);
  });
});
