// Handlers: bad arguments, failures, and handlers that take their time.
import assert from "node:assert/strict";
import { ask, call, collect, connect, fence, inModes, next, socketOf, suite } from "./harness.mjs";

const range = (n) => Array.from({ length: n }, (_, i) => i);

suite("handlers", {}, (server, test) => {
  inModes(test, "typed arguments that fit", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.equal(await ask(socket, "typed-sum", 2, 40), 42);
    assert.equal(await ask(socket, "typed-sum", -5, 5), 0);
    const sum = next(socket, "sum");
    socket.emit("typed-sum", 1, 2);
    assert.deepEqual(await sum, [3]);
  });

  inModes(test, "wrong argument is answered in the ack", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const exceptions = collect(socket, "exception").values;
    for (const args of [["x", 1], [1, "2"], [1], [], [1.5, 1], [null, 1], [{}, []], [1, Buffer.from([2])]]) {
      const { error, ...rest } = await ask(socket, "typed-sum", ...args);
      assert.equal(error.code, "bad_request");
      assert.equal(typeof error.message, "string");
      assert.deepEqual(rest, {});
    }
    assert.equal(await ask(socket, "typed-sum", 1, 1), 2);
    assert.deepEqual(exceptions, []);
  });

  inModes(test, "wrong argument without an ack is an exception event", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const sums = collect(socket, "sum").values;
    const exception = next(socket, "exception");
    socket.emit("typed-sum", "x", 1);
    const [error, ...rest] = await exception;
    assert.equal(error.code, "bad_request");
    assert.equal(error.event, "typed-sum");
    assert.equal(typeof error.message, "string");
    assert.deepEqual(rest, []);
    await fence(socket);
    assert.deepEqual(sums, []);
  });

  inModes(test, "exception goes to its sender and namespace only", async (t, mode) => {
    const [guilty, other] = await Promise.all([1, 2].map(() => connect(t, server, { mode })));
    const second = socketOf(guilty.io, "/second");
    const wrong = [other, second].map((socket) => collect(socket, "exception").values);
    const right = next(guilty, "exception");
    guilty.emit("typed-sum", "x", 1);
    await right;
    await fence(other, second);
    assert.deepEqual(wrong, [[], []]);
  });

  for (const event of ["panic", "panic-later"]) {
    inModes(test, `${event} harms nobody`, async (t, mode) => {
      const [guilty, other] = await Promise.all([1, 2].map(() => connect(t, server, { mode })));
      const exception = next(guilty, "exception");
      guilty.emit(event);
      assert.equal((await exception)[0].code, "internal");
      await fence(guilty, other);
      await call(other, "cast", { self: true }, "said", 1);
      const fresh = await connect(t, server, { mode });
      assert.equal(await ask(fresh, "echo", 1), 1);
    });

    inModes(test, `${event} is answered in the ack without its text`, async (t, mode) => {
      const socket = await connect(t, server, { mode });
      const { error } = await ask(socket, event);
      assert.equal(error.code, "internal");
      assert.doesNotMatch(JSON.stringify(error), /deliberate/);
      await fence(socket);
    });

    inModes(test, `${event} many times leaves the server alive`, async (t, mode) => {
      const clients = await Promise.all(range(10).map(() => connect(t, server, { mode })));
      await Promise.all(clients.map((socket) => Promise.all(range(5).map(() => ask(socket, event)))));
      const said = clients.map((socket) => collect(socket, "said").values);
      await call(clients[0], "cast", { self: true }, "said", event);
      await fence(...clients);
      assert.deepEqual(said, clients.map(() => [event]));
    });
  }

  inModes(test, "events before and after a failure keep their order", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    for (const i of range(20)) {
      socket.emit("item", i);
      socket.emit(i % 2 ? "panic" : "typed-sum");
    }
    assert.deepEqual(await ask(socket, "items"), range(20));
  });

  inModes(test, "slow handlers start in order and end by themselves", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const delays = [300, 150, 300, 150];
    const tags = await Promise.all(delays.map((ms, i) => ask(socket, "slow", ms, i)));
    assert.deepEqual(tags, [0, 1, 2, 3]);
    const { started, finished } = await ask(socket, "slow-log");
    assert.deepEqual(started, [0, 1, 2, 3]);
    assert.deepEqual([...finished].sort(), [0, 1, 2, 3]);
    assert.deepEqual(finished.slice(0, 2).sort(), [1, 3]);
  });

  inModes(test, "slow handler does not block other events", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const finished = [];
    const slow = ask(socket, "slow", 400, "slow").then((tag) => finished.push(tag));
    for (const i of range(5)) finished.push(await ask(socket, "echo", i));
    await slow;
    assert.deepEqual(finished, [0, 1, 2, 3, 4, "slow"]);
  });

  inModes(test, "slow handlers of one client do not block another", async (t, mode) => {
    const [busy, other] = await Promise.all([1, 2].map(() => connect(t, server, { mode })));
    let done = false;
    const slow = Promise.all(range(20).map((i) => ask(busy, "slow", 400, i))).then(() => (done = true));
    await fence(busy);
    await fence(other);
    assert.equal(done, false);
    await slow;
    const { started } = await ask(busy, "slow-log");
    assert.deepEqual(started, range(20));
  });

  inModes(test, "two states of two sockets", async (t, mode) => {
    const [one, two] = await Promise.all([1, 2].map(() => connect(t, server, { mode })));
    await Promise.all([ask(one, "slow", 1, "one"), ask(two, "slow", 1, "two")]);
    assert.deepEqual((await ask(one, "slow-log")).finished, ["one"]);
    assert.deepEqual((await ask(two, "slow-log")).finished, ["two"]);
  });
});
