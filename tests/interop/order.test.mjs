// Order without loss or duplication: bursts, streams, and the change of transport in between.
import assert from "node:assert/strict";
import {
  ask, call, collect, connect, connected, fence, gatedManager, inModes, manager, next, socketOf, suite, upgraded,
} from "./harness.mjs";

const MANY = 1000;
/** Ticks of a stream to see before and after an upgrade. */
const AROUND = 100;
const range = (n) => Array.from({ length: n }, (_, i) => i);

suite("order", {}, (server, test) => {
  inModes(test, "numbered events from the client arrive in order", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    for (const i of range(MANY)) socket.emit("item", i);
    assert.deepEqual(await ask(socket, "items"), range(MANY));
  });

  inModes(test, "numbered events from the server arrive in order", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const numbers = collect(socket, "n");
    assert.equal(await ask(socket, "count", MANY), MANY);
    assert.deepEqual(numbers.values, range(MANY));
  });

  inModes(test, "both directions at once keep their order", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const numbers = collect(socket, "n");
    const counted = ask(socket, "count", MANY);
    for (const i of range(MANY)) socket.emit("item", i);
    await counted;
    assert.deepEqual(await ask(socket, "items"), range(MANY));
    assert.deepEqual(numbers.values, range(MANY));
  });

  inModes(test, "echoes come back in order", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const echoes = collect(socket, "echo");
    for (const i of range(MANY)) socket.emit("echo", i);
    await echoes.reach(MANY);
    await fence(socket);
    assert.deepEqual(echoes.values, range(MANY));
  });

  inModes(test, "acks and events keep their common order", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const seen = [];
    socket.on("echo", (i) => seen.push(i));
    for (const i of range(200)) {
      if (i % 2) socket.emit("echo", i);
      else socket.emit("echo", i, (value) => seen.push(value));
    }
    await fence(socket);
    assert.deepEqual(seen, range(200));
  });

  inModes(test, "broadcasts and direct events keep their common order", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const seen = collect(socket, "echo");
    for (const i of range(100)) {
      if (i % 2) socket.emit("echo", i);
      else socket.emit("cast", { to: [socket.id], self: true }, "echo", i);
    }
    await fence(socket);
    assert.deepEqual(seen.values, range(100));
  });

  inModes(test, "slow delivery of one client does not reorder another", async (t, mode) => {
    const [sender, receiver] = await Promise.all([1, 2].map(() => connect(t, server, { mode })));
    const seen = collect(receiver, "from-other");
    for (const i of range(300)) sender.emit("cast", { to: [receiver.id] }, "from-other", i);
    await fence(sender);
    await fence(receiver);
    assert.deepEqual(seen.values, range(300));
  });

  test("burst at connection crosses the upgrade", async (t) => {
    await Promise.all(range(5).map(async () => {
      const socket = socketOf(manager(t, server, { mode: "upgrade" }), "/", { auth: { burst: MANY } });
      const burst = collect(socket, "burst");
      await connected(socket);
      for (const i of range(MANY)) socket.emit("item", i);
      await upgraded(socket);
      assert.deepEqual(await ask(socket, "items"), range(MANY));
      assert.deepEqual(burst.values, range(MANY));
    }));
  });

  test("streams both ways cross the upgrade", async (t) => {
    await Promise.all(range(8).map(async () => {
      const { socket, change } = await beforeUpgrade(t);
      const ticks = collect(socket, "tick");
      let sent = 0;
      socket.on("tick", () => socket.emit("item", sent++));
      socket.emit("stream-start");
      await ticks.reach(AROUND);
      assert.equal(socket.io.engine.transport.name, "polling");
      await change();
      await ticks.reach(ticks.values.length + AROUND);
      const total = await ask(socket, "stream-stop");
      assert.deepEqual(ticks.values, range(total));
      const items = await ask(socket, "items");
      assert.deepEqual(items, range(sent));
    }));
  });

  test("calls in flight survive the upgrade", async (t) => {
    await Promise.all(range(5).map(async () => {
      const { socket, change } = await beforeUpgrade(t);
      const answers = await during(change, (i) => Promise.all([ask(socket, "echo", i), ask(socket, "echo", { i })]));
      assert.deepEqual(answers, range(answers.length).map((i) => [i, { i }]));
    }));
  });

  test("questions in flight survive the upgrade", async (t) => {
    const { socket, change } = await beforeUpgrade(t);
    socket.on("question", (i, reply) => reply({ i }));
    const answers = await during(change, () => ask(socket, "ask-burst", 10, 4000));
    for (const list of answers) assert.deepEqual(list, range(10).map((i) => ({ i })));
  });

  test("binary events cross the upgrade whole", async (t) => {
    const { socket, change } = await beforeUpgrade(t);
    const echoes = collect(socket, "echo");
    const payload = (i) => ({ i, a: Buffer.from([i % 256]), b: Buffer.from([1, 2]) });
    let sent = 0;
    await during(change, () => {
      for (let i = 0; i < 5; i++) socket.emit("echo", payload(sent++));
      return fence(socket);
    });
    assert.deepEqual(echoes.values, range(sent).map(payload));
  });

  test("broadcasts to an upgrading client arrive exactly once", async (t) => {
    const sender = await connect(t, server);
    const { socket, change } = await beforeUpgrade(t);
    const seen = collect(socket, "during");
    const sent = await during(change, (i) => call(sender, "cast", { to: [socket.id] }, "during", i));
    await fence(socket);
    assert.deepEqual(seen.values, range(sent.length));
  });

  test("namespaces joined and left during the upgrade", async (t) => {
    const { socket, change } = await beforeUpgrade(t);
    const second = socketOf(socket.io, "/second");
    const rounds = await during(change, async (i) => {
      await connected(second);
      assert.equal(await ask(second, "echo", i), i);
      second.disconnect();
      await fence(socket);
      second.connect();
    });
    assert.ok(rounds.length > 0);
    await connected(second);
    await fence(socket, second);
  });

  /** A client on polling; `change` lets it upgrade and resolves when it has. */
  async function beforeUpgrade(t) {
    const { connection, open } = gatedManager(t, server);
    const socket = socketOf(connection);
    await connected(socket);
    const change = async () => {
      const done = next(connection.engine, "upgrade");
      open();
      await done;
    };
    return { socket, change };
  }

  /** Repeats an action before, during and after the upgrade; resolves with all results. */
  async function during(change, action) {
    const results = [];
    let done = false;
    const repeat = async () => results.push(await action(results.length));
    for (let i = 0; i < 5; i++) await repeat();
    const changed = change().finally(() => (done = true));
    while (!done) await repeat();
    await changed;
    for (let i = 0; i < 5; i++) await repeat();
    return results;
  }
});
