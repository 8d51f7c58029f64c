// Namespaces: several on one connection, unknown ones, guards, leaving and coming back.
import assert from "node:assert/strict";
import {
  REFERENCE, ask, call, collect, connect, connected, fence, inModes, manager, next, socketOf, suite, watch,
} from "./harness.mjs";

const SOON = 100;

/** Sockets of several namespaces on one connection. */
async function join(t, server, mode, ...namespaces) {
  const connection = manager(t, server, { mode });
  const sockets = namespaces.map((ns) => socketOf(connection, ns));
  await Promise.all(sockets.map(connected));
  return sockets;
}

suite("namespaces", {}, (server, test) => {
  inModes(test, "several share one connection with an id each", async (t, mode) => {
    const sockets = await join(t, server, mode, "/", "/second", "/chat", "/watch");
    const [main, second] = sockets;
    assert.equal(new Set(sockets.map((socket) => socket.io.engine.id)).size, 1);
    assert.equal(new Set([...sockets.map((socket) => socket.id), main.io.engine.id]).size, 5);
    assert.equal((await ask(main, "handshake")).ns, "/");
    assert.equal((await ask(second, "handshake")).ns, "/second");
    assert.equal((await ask(second, "handshake")).id, second.id);
  });

  inModes(test, "a client needs no membership in the main one", async (t, mode) => {
    const socket = await connect(t, server, { mode, ns: "/second" });
    await fence(socket);
    assert.equal((await ask(socket, "handshake")).ns, "/second");
  });

  inModes(test, "each has its own handlers", async (t, mode) => {
    const [main, chat] = await join(t, server, mode, "/", "/chat");
    await assert.rejects(chat.timeout(SOON).emitWithAck("echo", 1), /timed out/);
    await assert.rejects(main.timeout(SOON).emitWithAck("enter", "r", "n"), /timed out/);
    assert.equal(await ask(chat, "enter", `${mode}-own`, "ann"), 1);
    assert.equal(await ask(main, "echo", 1), 1);
  });

  inModes(test, "each has its own events, state and acks", async (t, mode) => {
    const [main, second] = await join(t, server, mode, "/", "/second");
    const leaked = collect(second, "echo");
    main.emit("item", "main");
    second.emit("item", "second");
    main.emit("echo", "for main");
    const [inMain, inSecond] = await Promise.all([ask(main, "items"), ask(second, "items")]);
    assert.deepEqual([inMain, inSecond], [["main"], ["second"]]);
    const both = Array.from({ length: 50 }, (_, i) => [ask(main, "echo", `m${i}`), ask(second, "echo", `s${i}`)]);
    const answers = await Promise.all(both.flat());
    assert.deepEqual(answers, Array.from({ length: 50 }, (_, i) => [`m${i}`, `s${i}`]).flat());
    await fence(main, second);
    assert.deepEqual(leaked.values, []);
  });

  inModes(test, "each has its own auth but the common query", async (t, mode) => {
    const connection = manager(t, server, { mode, query: { common: "yes" } });
    const main = socketOf(connection, "/", { auth: { who: "main" } });
    const second = socketOf(connection, "/second", { auth: { who: "second" } });
    const [a, b] = await Promise.all([ask(main, "handshake"), ask(second, "handshake")]);
    assert.deepEqual([a.auth, b.auth], [{ who: "main" }, { who: "second" }]);
    assert.deepEqual([a.query.common, b.query.common], ["yes", "yes"]);
  });

  inModes(test, "binary events carry their namespace", async (t, mode) => {
    const [main, second] = await join(t, server, mode, "/", "/second");
    const [a, b] = await Promise.all([main, second].map((socket, i) => ask(socket, "echo", Buffer.from([i]))));
    assert.deepEqual([a, b], [Buffer.from([0]), Buffer.from([1])]);
  });

  inModes(test, "unknown one is refused and the others live", async (t, mode) => {
    const connection = manager(t, server, { mode });
    const main = socketOf(connection, "/");
    await connected(main);
    const unknown = socketOf(connection, "/unknown");
    const [error] = await next(unknown, "connect_error");
    assert.equal(error.message, "Invalid namespace");
    assert.equal(unknown.connected, false);
    assert.equal(main.connected, true);
    await fence(main);
  });

  inModes(test, "unknown one alone is refused", async (t, mode) => {
    const unknown = socketOf(manager(t, server, { mode }), "/unknown");
    const [error] = await next(unknown, "connect_error");
    assert.equal(error.message, "Invalid namespace");
    assert.equal(error.data, undefined);
  });

  inModes(test, "name is exact", async (t, mode) => {
    const connection = manager(t, server, { mode });
    const sockets = ["/Second", "/second/", "/seco", "/second2"].map((ns) => socketOf(connection, ns));
    const errors = await Promise.all(sockets.map((socket) => next(socket, "connect_error")));
    assert.deepEqual(errors.map(([error]) => error.message), sockets.map(() => "Invalid namespace"));
  });

  inModes(test, "leaving one keeps the others", async (t, mode) => {
    const watcher = await watch(t, server);
    const [main, second] = await join(t, server, mode, "/", "/second");
    const { id } = second;
    const ended = next(second, "disconnect");
    second.disconnect();
    assert.equal((await ended)[0], "io client disconnect");
    assert.equal(await watcher.reason(id), "client namespace disconnect");
    await fence(main);
    assert.equal(main.connected, true);
    const [, left] = await server.disconnects(id);
    assert.equal(left.ns, "/second");
    assert.deepEqual(await server.disconnects(main.id), []);
  });

  inModes(test, "coming back gives a new id on the same connection", async (t, mode) => {
    const watcher = await watch(t, server);
    const [main, second] = await join(t, server, mode, "/", "/second");
    const [id, sid] = [second.id, main.io.engine.id];
    second.emit("item", "of the first life");
    second.disconnect();
    await watcher.records(id);
    second.connect();
    await connected(second);
    assert.notEqual(second.id, id);
    assert.equal(second.io.engine.id, sid);
    assert.deepEqual(await ask(second, "items"), []);
    await fence(main);
  });

  inModes(test, "leaving the main one keeps the others", async (t, mode) => {
    const [main, second] = await join(t, server, mode, "/", "/second");
    main.disconnect();
    await fence(second);
    main.connect();
    await connected(main);
    await fence(main, second);
  });

  inModes(test, "leaving and returning many times", async (t, mode) => {
    const [main, second] = await join(t, server, mode, "/", "/second");
    const ids = new Set([second.id]);
    for (let i = 0; i < 20; i++) {
      second.disconnect();
      await fence(main);
      second.connect();
      await connected(second);
      ids.add(second.id);
    }
    assert.equal(ids.size, 21);
    assert.deepEqual(await ask(second, "members", second.id), [second.id]);
  });

  // The reference handles DISCONNECT one tick late, so that CONNECT in the same read counts as a duplicate there.
  if (!REFERENCE) {
    inModes(test, "leaving and returning in one go", async (t, mode) => {
      const [main, second] = await join(t, server, mode, "/", "/second");
      const { id } = second;
      second.disconnect();
      second.connect();
      await connected(second);
      assert.notEqual(second.id, id);
      await fence(main, second);
    });
  }

  inModes(test, "guard refuses with message and data", async (t, mode) => {
    const guarded = socketOf(manager(t, server, { mode }), "/guarded", { auth: { token: "wrong" } });
    const [error] = await next(guarded, "connect_error");
    assert.equal(error.message, "not authorized");
    assert.deepEqual(error.data, { code: 401, hint: "token" });
    assert.equal(guarded.connected, false);
  });

  inModes(test, "guard lets the right ones in", async (t, mode) => {
    const guarded = await connect(t, server, { mode, ns: "/guarded", auth: { token: "secret" } });
    assert.deepEqual((await ask(guarded, "handshake")).auth, { token: "secret" });
  });

  inModes(test, "refused client may try again on the same connection", async (t, mode) => {
    const connection = manager(t, server, { mode });
    const main = socketOf(connection, "/");
    await connected(main);
    const sid = main.io.engine.id;
    const guarded = socketOf(connection, "/guarded");
    await next(guarded, "connect_error");
    guarded.disconnect();
    guarded.auth = { token: "secret" };
    guarded.connect();
    await connected(guarded);
    assert.equal(guarded.io.engine.id, sid);
    await fence(main, guarded);
  });

  inModes(test, "slow guard does not delay other namespaces", async (t, mode) => {
    const connection = manager(t, server, { mode });
    const guarded = socketOf(connection, "/guarded", { auth: { token: "secret", delay: 60_000 } });
    const main = socketOf(connection, "/");
    await connected(main);
    await fence(main);
    assert.equal(guarded.connected, false);
  });

  inModes(test, "events sent to a slow guard's namespace wait for its answer", async (t, mode) => {
    const guarded = socketOf(manager(t, server, { mode }), "/guarded", { auth: { token: "secret", delay: 50 } });
    for (let i = 0; i < 5; i++) guarded.emit("item", i);
    assert.deepEqual(await ask(guarded, "items"), [0, 1, 2, 3, 4]);
  });

  inModes(test, "broadcast of one does not reach another", async (t, mode) => {
    const [main, second] = await join(t, server, mode, "/", "/second");
    const wrong = collect(second, "only-main");
    const right = collect(main, "only-main");
    await call(main, "cast", { self: true }, "only-main", mode);
    await fence(main, second);
    assert.deepEqual(right.values, [mode]);
    assert.deepEqual(wrong.values, []);
  });
});

suite("guarded namespace", {}, (server, test) => {
  inModes(test, "refused and lost clients leave nothing behind", async (t, mode) => {
    const watcher = await watch(t, server);
    const refused = socketOf(manager(t, server, { mode }), "/guarded");
    await next(refused, "connect_error");
    const connection = manager(t, server, { mode });
    const main = socketOf(connection, "/");
    socketOf(connection, "/guarded", { auth: { token: "secret", delay: 150 } });
    await connected(main);
    await fence(main);
    const lost = main.id;
    connection.engine.close();
    await watcher.records(lost);
    // Opened after the lost one and with a longer delay: when it is in, the guard of the lost one has ended too.
    const member = await connect(t, server, { mode, ns: "/guarded", auth: { token: "secret", delay: 200 } });
    const { id } = member;
    assert.deepEqual(await ask(member, "members", null), [id]);
    member.disconnect();
    await watcher.records(id);
    const ended = await (await server.get("/disconnects")).json();
    assert.deepEqual(ended.filter((record) => record.ns === "/guarded").slice(-2).map((record) => record.id), [id, id]);
  });
});
