// Pings: clients that answer stay, clients that do not are closed.
import assert from "node:assert/strict";
import {
  collect, connect, fence, inModes, joinedId, next, rawPolling, rawWebSocket, suite, watch,
} from "./harness.mjs";

const INTERVAL = 100;
const TIMEOUT = 300;
const PINGS = 8;

suite("heartbeat", { flags: { "ping-interval": INTERVAL, "ping-timeout": TIMEOUT }, workers: [2] }, (server, test) => {
  inModes(test, "idle client stays connected", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const pings = collect(socket.io, "ping");
    const ended = collect(socket, "disconnect");
    const [id, from] = [socket.id, performance.now()];
    await pings.reach(PINGS);
    // Timers may fire a little early, and the first ping may have been on its way.
    assert.ok(performance.now() - from >= INTERVAL * (PINGS - 2), "pings come at the announced interval");
    await fence(socket);
    assert.deepEqual(ended.values, []);
    assert.equal(socket.id, id);
  });

  inModes(test, "busy client stays connected", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const pings = collect(socket.io, "ping");
    const ended = collect(socket, "disconnect");
    let done = false;
    const enough = pings.reach(PINGS).finally(() => (done = true));
    while (!done) await fence(socket);
    await enough;
    assert.deepEqual(ended.values, []);
  });

  test("heartbeat goes on over the upgrade", async (t) => {
    const socket = await connect(t, server, { mode: "upgrade", settle: false });
    const pings = collect(socket.io, "ping");
    await pings.reach(PINGS);
    assert.equal(socket.io.engine.transport.name, "websocket");
    await fence(socket);
  });

  test("websocket that does not answer is closed, in all its namespaces", async (t) => {
    const watcher = await watch(t, server);
    const bystander = await connect(t, server);
    const raw = await rawWebSocket(t, server);
    const { pingInterval, pingTimeout } = JSON.parse((await raw.frame()).slice(1));
    assert.deepEqual([pingInterval, pingTimeout], [INTERVAL, TIMEOUT]);
    raw.send("40");
    raw.send("40/second,");
    const ids = [joinedId(await raw.frame()), joinedId(await raw.frame(), "/second")];
    assert.equal(await raw.frame(), "2");
    const from = performance.now();
    assert.equal(await raw.closed(), 1005);
    assert.ok(performance.now() - from >= TIMEOUT / 2, "not before the timeout");
    for (const id of ids) assert.equal(await watcher.reason(id), "ping timeout");
    await fence(bystander);
  });

  test("polling session that does not answer is closed", async (t) => {
    const watcher = await watch(t, server);
    const raw = await rawPolling(server);
    await raw.push("40\x1e40/second,");
    const packets = [];
    while (packets.at(-1) !== "2") packets.push(...(await raw.poll()).packets);
    const ids = [joinedId(packets[0]), joinedId(packets[1], "/second")];
    assert.deepEqual(await raw.poll(), { status: 200, packets: ["1"] });
    for (const id of ids) assert.equal(await watcher.reason(id), "ping timeout");
    assert.equal((await raw.poll()).status, 400);
  });

  test("client that falls silent notices the end and returns", async (t) => {
    const watcher = await watch(t, server);
    const socket = await connect(t, server, { reconnection: true });
    const { id } = socket;
    const ended = next(socket, "disconnect");
    const back = next(socket, "connect");
    const { engine } = socket.io;
    // Drops the pings, so that no pong is sent.
    engine.transport.onPacket = () => {};
    engine.transport.onData = () => {};
    // Both ends count the same time; the server is to be the one that gives up.
    clearTimeout(engine._pingTimeoutTimer);
    await ended;
    assert.equal(await watcher.reason(id), "ping timeout");
    await back;
    await fence(socket);
    assert.notEqual(socket.id, id);
  });

  test("ping from the client is an error", async (t) => {
    const watcher = await watch(t, server);
    const raw = await rawWebSocket(t, server);
    await raw.frame();
    raw.send("40");
    const id = joinedId(await raw.frame());
    raw.send("2");
    await raw.closed();
    assert.equal(await watcher.reason(id), "transport error");
  });
});
