// Limits given on the command line: payload size, time to join a namespace, time to upgrade.
import assert from "node:assert/strict";
import {
  ask, connect, fence, inModes, joinedId, manager, next, rawPolling, rawWebSocket, socketOf, suite, watch,
} from "./harness.mjs";

const MAX = 10_000;
const CONNECT_TIMEOUT = 200;
const UPGRADE_TIMEOUT = 200;

suite("payload limit", { flags: { "max-payload": MAX }, workers: [1] }, (server, test) => {
  inModes(test, "announced limit is the configured one", async (t, mode) => {
    const connection = manager(t, server, { mode });
    const handshake = next(connection.engine, "handshake");
    await fence(socketOf(connection));
    assert.equal((await handshake)[0].maxPayload, MAX);
  });

  inModes(test, "oversized message ends only its client", async (t, mode) => {
    const watcher = await watch(t, server);
    const [guilty, other] = await Promise.all([1, 2].map(() => connect(t, server, { mode })));
    const { id } = guilty;
    const ended = next(guilty, "disconnect");
    guilty.emit("item", "x".repeat(MAX * 2));
    const [reason] = await ended;
    assert.match(reason, /^transport (close|error)$/);
    await watcher.records(id);
    assert.equal(await ask(other, "echo", "alive"), "alive");
    const fresh = await connect(t, server, { mode });
    assert.equal(await ask(fresh, "echo", "alive"), "alive");
  });

  inModes(test, "oversized attachment ends only its client", async (t, mode) => {
    const [guilty, other] = await Promise.all([1, 2].map(() => connect(t, server, { mode })));
    const ended = next(guilty, "disconnect");
    guilty.emit("item", Buffer.alloc(MAX * 2));
    assert.match((await ended)[0], /^transport (close|error)$/);
    await fence(other);
  });

  inModes(test, "client may return after it sent too much", async (t, mode) => {
    const socket = await connect(t, server, { mode, reconnection: true });
    const back = next(socket, "connect");
    socket.emit("item", "x".repeat(MAX * 2));
    await back;
    await fence(socket);
  });

  inModes(test, "many small events above the limit together arrive", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const items = Array.from({ length: 60 }, (_, i) => `${i}:${"é".repeat(500)}`);
    for (const item of items) socket.emit("item", item);
    await fence(socket);
    assert.equal((await ask(socket, "items")).length, items.length);
  });

  inModes(test, "limit does not bind what the server sends", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.equal((await ask(socket, "make-binary", MAX * 3)).length, MAX * 3);
  });

  test("websocket message of exactly the limit is accepted, one byte more is not", async (t) => {
    const watcher = await watch(t, server);
    const raw = await rawWebSocket(t, server);
    await raw.frame();
    raw.send("40");
    const id = joinedId(await raw.frame());
    const frame = (size) => `42["echo","${"x".repeat(size - '42["echo",""]'.length)}"]`;
    raw.send(frame(MAX));
    assert.equal(await raw.frame(), frame(MAX));
    raw.send(frame(MAX + 1));
    assert.equal(await raw.closed(), 1009);
    assert.equal(await watcher.reason(id), "transport error");
  });

  test("polling body of exactly the limit is accepted, one byte more is not", async () => {
    const raw = await rawPolling(server);
    await raw.push("40");
    await raw.poll();
    const body = (size) => `42["echo","${"x".repeat(size - '42["echo",""]'.length)}"]`;
    assert.equal(await raw.push(body(MAX)), 200);
    assert.deepEqual((await raw.poll()).packets, [body(MAX)]);
    assert.equal(await raw.push(body(MAX + 1)), 413);
  });
});

suite("connect timeout", { flags: { "connect-timeout": CONNECT_TIMEOUT }, workers: [1] }, (server, test) => {
  test("websocket that joins nothing is closed", async (t) => {
    const raw = await rawWebSocket(t, server);
    const from = performance.now();
    assert.equal(await raw.closed(), 1005);
    assert.ok(performance.now() - from >= CONNECT_TIMEOUT / 2, "not before the timeout");
  });

  test("polling session that joins nothing is closed", async () => {
    const raw = await rawPolling(server);
    assert.deepEqual(await raw.poll(), { status: 200, packets: ["1"] });
    assert.equal((await raw.poll()).status, 400);
  });

  test("refused join does not count", async (t) => {
    const raw = await rawWebSocket(t, server);
    await raw.frame();
    raw.send("40/unknown,");
    assert.equal(await raw.frame(), '44/unknown,{"message":"Invalid namespace"}');
    assert.equal(await raw.closed(), 1005);
  });

  test("client that joined in time stays", async (t) => {
    const socket = await connect(t, server);
    const idle = await rawWebSocket(t, server);
    await idle.closed();
    await fence(socket);
  });
});

suite("upgrade timeout", { flags: { "upgrade-timeout": UPGRADE_TIMEOUT }, workers: [1] }, (server, test) => {
  test("probe that is not completed leaves the session on polling", async (t) => {
    const raw = await rawPolling(server);
    await raw.push("40");
    joinedId((await raw.poll()).packets[0]);
    const probe = await rawWebSocket(t, server, { sid: raw.handshake.sid });
    probe.send("2probe");
    assert.equal(await probe.frame(), "3probe");
    assert.deepEqual((await raw.poll()).packets, ["6"]);
    await probe.closed();
    assert.equal(await raw.push('421["echo","still polling"]'), 200);
    assert.deepEqual((await raw.poll()).packets, ['431["still polling"]']);
  });

  test("session can upgrade after a failed probe", async (t) => {
    const raw = await rawPolling(server);
    await raw.push("40");
    await raw.poll();
    const failed = await rawWebSocket(t, server, { sid: raw.handshake.sid });
    failed.send("4hello");
    await failed.closed();
    const probe = await rawWebSocket(t, server, { sid: raw.handshake.sid });
    probe.send("2probe");
    assert.equal(await probe.frame(), "3probe");
    probe.send("5");
    probe.send('422["echo","on websocket"]');
    assert.equal(await probe.frame(), '432["on websocket"]');
    assert.equal((await raw.poll()).status, 400);
  });
});
