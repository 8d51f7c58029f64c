// Opening a connection: ids, handshake data, namespaces that do not exist, clean end.
import assert from "node:assert/strict";
import {
  ask, collect, connect, connected, fence, inModes, manager, MODES, next, rawPolling, socketOf, suite,
  upgraded,
} from "./harness.mjs";

suite("connect", {}, (server, test) => {
  inModes(test, "client connects and stays usable", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.equal(await ask(socket, "echo", "hello"), "hello");
    const expected = MODES[mode].at(-1);
    assert.equal(socket.io.engine.transport.name, expected);
  });

  inModes(test, "socket id is not the session id", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.notEqual(socket.id, socket.io.engine.id);
    assert.equal((await ask(socket, "handshake")).id, socket.id);
  });

  inModes(test, "upgrade keeps session id and socket id", async (t, mode) => {
    const socket = await connect(t, server, { mode, settle: false });
    const before = [socket.io.engine.id, socket.id];
    const ended = collect(socket, "disconnect");
    await upgraded(socket);
    await fence(socket);
    assert.deepEqual([socket.io.engine.id, socket.id], before);
    assert.equal((await ask(socket, "handshake")).id, socket.id);
    assert.deepEqual(ended.values, []);
  }, ["upgrade"]);

  inModes(test, "polling is refused after the upgrade", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    await fence(socket);
    const sid = socket.io.engine.id;
    const response = await server.get(`/socket.io/?EIO=4&transport=polling&sid=${sid}`);
    assert.equal(response.status, 400);
    assert.deepEqual(await response.json(), { code: 3, message: "Bad request" });
    await fence(socket);
  }, ["upgrade"]);

  inModes(test, "handshake data reaches the server", async (t, mode) => {
    const auth = { token: "t-1", nested: { list: [1, null, "é😀"] } };
    const query = { room: "a b&c=d", "ключ": "значение" };
    const extraHeaders = { "X-Custom": "custom value" };
    const socket = await connect(t, server, { mode, auth, query, extraHeaders });
    const seen = await ask(socket, "handshake");
    assert.deepEqual(seen.auth, auth);
    assert.equal(seen.ns, "/");
    assert.equal(seen.query.room, query.room);
    assert.equal(seen.query["ключ"], query["ключ"]);
    assert.equal(seen.query.EIO, "4");
    assert.equal(seen.query.transport, MODES[mode][0]);
    assert.equal(seen.query.token, undefined);
    assert.equal(seen.headers["x-custom"], "custom value");
    assert.match(seen.url, /^\/socket\.io\/\?/);
    assert.equal(seen.address, "127.0.0.1");
    assert.equal(seen.secure, false);
  });

  inModes(test, "absent auth is an empty object", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.deepEqual((await ask(socket, "handshake")).auth, {});
  });

  inModes(test, "auth may be a function", async (t, mode) => {
    const socket = await connect(t, server, { mode, auth: (send) => send({ late: true }) });
    assert.deepEqual((await ask(socket, "handshake")).auth, { late: true });
  });

  inModes(test, "events emitted by the connection handler arrive, in order", async (t, mode) => {
    const socket = socketOf(manager(t, server, { mode }), "/", { auth: { burst: 20 } });
    const burst = collect(socket, "burst");
    await connected(socket);
    await fence(socket);
    assert.deepEqual(burst.values, Array.from({ length: 20 }, (_, i) => i));
  });

  inModes(test, "events emitted before the connection are delivered in order", async (t, mode) => {
    const socket = socketOf(manager(t, server, { mode }));
    assert.equal(socket.connected, false);
    for (let i = 0; i < 20; i++) socket.emit("item", i);
    assert.deepEqual(await ask(socket, "items"), Array.from({ length: 20 }, (_, i) => i));
  });

  inModes(test, "client connects again after a deliberate end", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const [id, sid] = [socket.id, socket.io.engine.id];
    const ended = next(socket, "disconnect");
    socket.disconnect();
    assert.equal((await ended)[0], "io client disconnect");
    socket.connect();
    await connected(socket);
    assert.notEqual(socket.id, id);
    assert.notEqual(socket.io.engine.id, sid);
    await fence(socket);
  });

  inModes(test, "two clients have nothing in common", async (t, mode) => {
    const one = await connect(t, server, { mode });
    const two = await connect(t, server, { mode });
    assert.notEqual(one.id, two.id);
    one.emit("item", "of one");
    assert.deepEqual(await ask(one, "items"), ["of one"]);
    assert.deepEqual(await ask(two, "items"), []);
  });

  test("handshake announces the defaults", async () => {
    const { handshake } = await rawPolling(server);
    const { sid, ...announced } = handshake;
    assert.match(sid, /^[\w-]+$/);
    assert.deepEqual(announced, {
      upgrades: ["websocket"],
      pingInterval: 25000,
      pingTimeout: 20000,
      maxPayload: 1000000,
    });
  });
});
