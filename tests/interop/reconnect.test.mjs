// Automatic reconnection of the official client: lost connections, buffered events, restarted server.
import assert from "node:assert/strict";
import {
  ask, call, collect, connect, connected, fence, inModes, manager, next, socketOf, suite, unusedPort, watch,
} from "./harness.mjs";

const range = (n) => Array.from({ length: n }, (_, i) => i);

suite("reconnect", {}, (server, test) => {
  inModes(test, "client returns after the server dropped it", async (t, mode) => {
    const socket = await connect(t, server, { mode, reconnection: true });
    const [id, sid] = [socket.id, socket.io.engine.id];
    const ended = next(socket, "disconnect");
    const back = next(socket, "connect");
    const attempt = next(socket.io, "reconnect");
    socket.emit("drop-me");
    assert.equal((await ended)[0], "transport close");
    assert.equal(socket.active, true);
    await back;
    assert.deepEqual(await attempt, [1]);
    assert.notEqual(socket.id, id);
    assert.notEqual(socket.io.engine.id, sid);
    assert.ok(!socket.recovered);
    assert.equal(await ask(socket, "echo", "again"), "again");
    assert.deepEqual(await ask(socket, "rooms"), [socket.id]);
  });

  inModes(test, "broadcasts reach the client again", async (t, mode) => {
    const other = await connect(t, server);
    const socket = await connect(t, server, { mode, reconnection: true });
    const said = collect(socket, "said").values;
    const back = next(socket, "connect");
    socket.emit("drop-me");
    await back;
    await call(other, "cast", {}, "said", mode);
    await fence(socket);
    assert.deepEqual(said, [mode]);
  });

  inModes(test, "events of the gap are delivered in order", async (t, mode) => {
    const socket = await connect(t, server, { mode, reconnection: true });
    const ended = next(socket, "disconnect");
    socket.emit("drop-me");
    await ended;
    for (const i of range(50)) socket.emit("item", i);
    assert.deepEqual(await ask(socket, "items"), range(50));
  });

  inModes(test, "binary events and calls of the gap are delivered", async (t, mode) => {
    const socket = await connect(t, server, { mode, reconnection: true });
    const ended = next(socket, "disconnect");
    socket.emit("drop-me");
    await ended;
    const bytes = (i) => Buffer.from([i, i + 1]);
    const answers = await Promise.all(range(10).map((i) => ask(socket, "echo", bytes(i))));
    assert.deepEqual(answers, range(10).map(bytes));
  });

  inModes(test, "all namespaces of the connection return", async (t, mode) => {
    const connection = manager(t, server, { mode, reconnection: true });
    const sockets = ["/", "/second", "/guarded"].map((ns) => socketOf(connection, ns, { auth: { token: "secret" } }));
    await Promise.all(sockets.map(connected));
    const ids = sockets.map((socket) => socket.id);
    const back = sockets.map((socket) => next(socket, "connect"));
    sockets[0].emit("drop-me");
    await Promise.all(back);
    assert.equal(new Set([...ids, ...sockets.map((socket) => socket.id)]).size, 6);
    await fence(...sockets);
    assert.deepEqual((await ask(sockets[2], "handshake")).auth, { token: "secret" });
  });

  inModes(test, "many drops in a row", async (t, mode) => {
    const watcher = await watch(t, server);
    const socket = await connect(t, server, { mode, reconnection: true });
    for (const i of range(5)) {
      const { id } = socket;
      const back = next(socket, "connect");
      socket.emit("drop-me");
      await back;
      assert.match(await watcher.reason(id), /^forced (server )?close$/);
      assert.equal(await ask(socket, "echo", i), i);
    }
  });

  inModes(test, "client kicked by the server returns only by its own decision", async (t, mode) => {
    const socket = await connect(t, server, { mode, reconnection: true });
    const { id } = socket;
    const ended = next(socket, "disconnect");
    socket.emit("kick", true);
    assert.equal((await ended)[0], "io server disconnect");
    assert.equal(socket.active, false);
    socket.connect();
    await connected(socket);
    assert.notEqual(socket.id, id);
    await fence(socket);
  });

  inModes(test, "volatile events of a connected client arrive", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    await fence(socket);
    if (!socket.io.engine.transport.writable) await next(socket.io.engine, "drain");
    socket.volatile.emit("item", "volatile");
    socket.emit("item", "ordinary");
    assert.deepEqual(await ask(socket, "items"), ["volatile", "ordinary"]);
  });
});

suite("server restart", { ownServer: true }, (server, test) => {
  for (const signal of ["SIGTERM", "SIGKILL"]) {
    inModes(test, `client returns after ${signal} and a start on the same port`, async (t, mode) => {
      server.port = await unusedPort();
      await server.start();
      t.after(() => server.stop());
      const socket = await connect(t, server, { mode, reconnection: true });
      const { id } = socket;
      const ended = next(socket, "disconnect");
      await server.stop(signal);
      const [reason] = await ended;
      // Whoever sits in a poll when the process is killed sees the request fail.
      assert.ok(reason === "transport close" || (signal === "SIGKILL" && reason === "transport error"), reason);
      for (const i of range(20)) socket.emit("item", i);
      const items = ask(socket, "items");
      const said = next(socket, "said");
      await server.start();
      assert.deepEqual(await items, range(20));
      assert.notEqual(socket.id, id);
      await server.emit({ event: "said", data: "back" });
      assert.deepEqual(await said, ["back"]);
    });
  }

  test("SIGTERM ends the process with status 0 in spite of clients", async (t) => {
    server.port = 0;
    await server.start();
    const sockets = await Promise.all(["polling", "websocket", "upgrade"].map((mode) => connect(t, server, { mode })));
    const ended = sockets.map((socket) => next(socket, "disconnect"));
    assert.equal(await server.stop("SIGTERM"), 0);
    for (const [reason] of await Promise.all(ended)) assert.equal(reason, "transport close");
  });
});
