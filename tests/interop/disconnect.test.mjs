// Ends of sockets and connections: the reasons on both sides, and the rooms at that time.
import assert from "node:assert/strict";
import {
  ask, call, collect, connect, connected, fence, inModes, joinedId, manager, next, rawPolling, rawWebSocket, socketOf,
  suite, watch,
} from "./harness.mjs";

const NAMESPACES = ["/", "/second", "/chat"];

async function joinAll(t, server, mode) {
  const connection = manager(t, server, { mode });
  const sockets = NAMESPACES.map((ns) => socketOf(connection, ns));
  await Promise.all(sockets.map(connected));
  return { connection, sockets, ids: sockets.map((socket) => socket.id) };
}

suite("disconnect", {}, (server, test) => {
  inModes(test, "client disconnects", async (t, mode) => {
    const watcher = await watch(t, server);
    const socket = await connect(t, server, { mode });
    const { id } = socket;
    await call(socket, "join", ["r1", "r2"]);
    const ended = next(socket, "disconnect");
    socket.disconnect();
    assert.equal((await ended)[0], "io client disconnect");
    const reason = "client namespace disconnect";
    const rooms = ["r1", "r2", id].sort();
    assert.deepEqual(await watcher.records(id), [
      { ns: "/", id, stage: "disconnecting", reason, rooms },
      { ns: "/", id, stage: "disconnect", reason, rooms: [] },
    ]);
  });

  inModes(test, "server disconnects one namespace", async (t, mode) => {
    const watcher = await watch(t, server);
    const { sockets: [main, second, chat], ids } = await joinAll(t, server, mode);
    const ended = next(second, "disconnect");
    second.emit("kick", false);
    assert.equal((await ended)[0], "io server disconnect");
    assert.equal(await watcher.reason(ids[1]), "server namespace disconnect");
    await fence(main);
    assert.deepEqual([main.connected, chat.connected], [true, true]);
    assert.deepEqual([main.id, chat.id], [ids[0], ids[2]]);
    assert.deepEqual(await server.disconnects(ids[0]), []);
  });

  inModes(test, "server disconnects the whole connection", async (t, mode) => {
    const watcher = await watch(t, server);
    const { sockets, ids, connection } = await joinAll(t, server, mode);
    const ended = sockets.map((socket) => next(socket, "disconnect"));
    const closed = next(connection, "close");
    sockets[1].emit("kick", true);
    for (const [reason] of await Promise.all(ended)) assert.equal(reason, "io server disconnect");
    await closed;
    for (const id of ids) assert.equal(await watcher.reason(id), "server namespace disconnect");
  });

  inModes(test, "server disconnect is not followed by a reconnection", async (t, mode) => {
    const socket = await connect(t, server, { mode, reconnection: true });
    const attempts = collect(socket.io, "reconnect_attempt");
    const ended = next(socket, "disconnect");
    socket.emit("kick", false);
    assert.equal((await ended)[0], "io server disconnect");
    assert.equal(socket.active, false);
    socket.connect();
    await connected(socket);
    await fence(socket);
    assert.deepEqual(attempts.values, []);
  });

  inModes(test, "events before the disconnection arrive first", async (t, mode) => {
    for (const close of [false, true]) {
      const socket = await connect(t, server, { mode });
      const last = collect(socket, "last");
      const ended = next(socket, "disconnect");
      socket.emit("bye", 100, close);
      assert.equal((await ended)[0], "io server disconnect");
      assert.deepEqual(last.values, Array.from({ length: 100 }, (_, i) => i));
    }
  });

  inModes(test, "client closes the connection", async (t, mode) => {
    const watcher = await watch(t, server);
    const { sockets, ids, connection } = await joinAll(t, server, mode);
    const ended = sockets.map((socket) => next(socket, "disconnect"));
    connection.engine.close();
    for (const [reason] of await Promise.all(ended)) assert.equal(reason, "forced close");
    for (const [i, id] of ids.entries()) {
      assert.equal(await watcher.reason(id), "transport close");
      const [first] = await server.disconnects(id);
      assert.equal(first.ns, NAMESPACES[i]);
      assert.deepEqual(first.rooms, [id]);
    }
  });

  inModes(test, "server closes the connection below the sockets", async (t, mode) => {
    const watcher = await watch(t, server);
    const { sockets, ids } = await joinAll(t, server, mode);
    const ended = sockets.map((socket) => next(socket, "disconnect"));
    sockets[0].emit("drop-me");
    for (const [reason] of await Promise.all(ended)) assert.equal(reason, "transport close");
    for (const id of ids) assert.match(await watcher.reason(id), /^forced (server )?close$/);
  });

  inModes(test, "last namespace left closes the connection", async (t, mode) => {
    const watcher = await watch(t, server);
    const { sockets, ids, connection } = await joinAll(t, server, mode);
    const sid = connection.engine.id;
    for (const socket of sockets) socket.disconnect();
    for (const id of ids) assert.equal(await watcher.reason(id), "client namespace disconnect");
    if (connection.engine.readyState !== "closed") await next(connection.engine, "close");
    const response = await server.get(`/socket.io/?EIO=4&transport=polling&sid=${sid}`);
    assert.equal(response.status, 400);
  });

  inModes(test, "room hears who leaves", async (t, mode) => {
    const [stays, leaves] = await Promise.all([1, 2].map(() => connect(t, server, { mode, ns: "/chat" })));
    const room = `${mode}-leaving`;
    await call(stays, "enter", room, "ann");
    await call(leaves, "enter", room, "bob");
    const left = next(stays, "left");
    leaves.io.engine.close();
    assert.deepEqual(await left, ["bob"]);
  });

  inModes(test, "emit to a socket that has gone is nothing", async (t, mode) => {
    const watcher = await watch(t, server);
    const [one, gone] = await Promise.all([1, 2].map(() => connect(t, server, { mode })));
    const { id } = gone;
    gone.disconnect();
    await watcher.records(id);
    await call(one, "cast", { to: [id] }, "said", 1);
    await call(one, "kick-room", id, true);
    await server.emit({ room: id, event: "said", data: 1 });
    await fence(one);
  });

  test("dropped websocket is a closed transport", async (t) => {
    const watcher = await watch(t, server);
    const raw = await rawWebSocket(t, server);
    await raw.frame();
    raw.send("40");
    raw.send("40/second,");
    const ids = [joinedId(await raw.frame()), joinedId(await raw.frame(), "/second")];
    raw.socket.terminate();
    for (const id of ids) assert.equal(await watcher.reason(id), "transport close");
  });

  test("aborted poll is a transport error", async (t) => {
    const watcher = await watch(t, server);
    const raw = await rawPolling(server);
    await raw.push("40");
    const id = joinedId((await raw.poll()).packets[0]);
    // An abort that overtakes its own request changes nothing, so it is repeated until the session has ended.
    while ((await raw.push("3")) === 200) {
      const abort = new AbortController();
      const poll = raw.poll({ signal: abort.signal });
      const aborted = poll.catch(() => {});
      await raw.push("3");
      abort.abort();
      await aborted;
    }
    assert.equal(await watcher.reason(id), "transport error");
    assert.equal((await raw.poll()).status, 400);
  });

  test("close packet ends a polling session", async (t) => {
    const watcher = await watch(t, server);
    const raw = await rawPolling(server);
    await raw.push("40");
    const id = joinedId((await raw.poll()).packets[0]);
    assert.equal(await raw.push("1"), 200);
    assert.equal(await watcher.reason(id), "transport close");
    assert.equal((await raw.poll()).status, 400);
  });

  test("undecodable packet is a parse error", async (t) => {
    const watcher = await watch(t, server);
    const raw = await rawWebSocket(t, server);
    await raw.frame();
    raw.send("40");
    const id = joinedId(await raw.frame());
    raw.send("abc");
    assert.equal(await watcher.reason(id), "parse error");
    assert.equal(await raw.closed(), 1005);
  });

  test("invalid Socket.IO packet closes only its connection", async (t) => {
    const watcher = await watch(t, server);
    const other = await connect(t, server);
    const raw = await rawWebSocket(t, server);
    await raw.frame();
    raw.send("40");
    const id = joinedId(await raw.frame());
    raw.send('42["connect"]');
    assert.equal(await watcher.reason(id), "forced close");
    await raw.closed();
    assert.equal(await ask(other, "echo", 1), 1);
  });
});
