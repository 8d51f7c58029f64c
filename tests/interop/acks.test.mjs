// Acknowledgements in both directions: values, order, timeouts, lost clients.
import assert from "node:assert/strict";
import { ask, call, collect, connect, fence, inModes, manager, next, socketOf, suite, watch } from "./harness.mjs";

const SOON = 100;
const LONG = 4000;

suite("acks", {}, (server, test) => {
  inModes(test, "ack without a value", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.deepEqual(await call(socket, "ack-none"), []);
  });

  inModes(test, "ack with several values", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.deepEqual(await call(socket, "ack-values"), [1, "two", [3], { four: 4 }, null]);
  });

  inModes(test, "ack with an error object", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.deepEqual(await call(socket, "ack-error"), [{ error: { code: "denied", message: "not allowed" } }]);
  });

  inModes(test, "emitWithAck resolves with the first value", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.equal(await socket.emitWithAck("ack-values"), 1);
    assert.equal(await socket.emitWithAck("ack-none"), undefined);
  });

  inModes(test, "unknown event is never answered", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    await assert.rejects(socket.timeout(SOON).emitWithAck("no-such-event", 1), /operation has timed out/);
    await fence(socket);
  });

  inModes(test, "many acks in flight find their calls", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => ask(socket, "echo", { i })));
    assert.deepEqual(answers, Array.from({ length: 300 }, (_, i) => ({ i })));
  });

  inModes(test, "late answers find their calls out of order", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const finished = [];
    const calls = [300, 150].map((ms) => ask(socket, "slow", ms, ms).then((tag) => finished.push(tag)));
    calls.push(ask(socket, "echo", 0).then((tag) => finished.push(tag)));
    await Promise.all(calls);
    assert.deepEqual(finished, [0, 150, 300]);
  });

  inModes(test, "retries wait for each ack", async (t, mode) => {
    const connection = manager(t, server, { mode });
    const socket = socketOf(connection, "/", { retries: 2, ackTimeout: LONG });
    const answers = await Promise.all([null, 1, "two"].map((value) => socket.emitWithAck("echo", value)));
    assert.deepEqual(answers, [null, 1, "two"]);
  });

  inModes(test, "server is answered by the client", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    socket.on("question", (value, reply) => reply({ got: value }));
    const result = await ask(socket, "ask", "what", LONG);
    assert.deepEqual(result, { id: socket.id, outcome: "answer", answer: { got: "what" } });
  });

  inModes(test, "server is answered without a value", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    socket.on("question", (_, reply) => reply());
    assert.deepEqual(await ask(socket, "ask", 1, LONG), { id: socket.id, outcome: "answer", answer: null });
  });

  inModes(test, "server is answered with bytes", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    socket.on("question", (value, reply) => reply({ back: value, more: Buffer.from([7]) }));
    const { answer } = await ask(socket, "ask", Buffer.from([1, 2]), LONG);
    assert.deepEqual(answer, { back: Buffer.from([1, 2]), more: Buffer.from([7]) });
  });

  inModes(test, "silent client lets the server time out", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const question = next(socket, "question");
    const result = ask(socket, "ask", "anybody", SOON);
    const [value, reply] = await question;
    assert.equal(value, "anybody");
    assert.deepEqual(await result, { id: socket.id, outcome: "timeout" });
    reply("too late");
    await fence(socket);
  });

  inModes(test, "late answer does not disturb the next question", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const replies = [];
    socket.on("question", (value, reply) => {
      if (value === "second") replies.forEach((late) => late("late"));
      replies.push(reply);
      if (value === "second") reply("in time");
    });
    assert.equal((await ask(socket, "ask", "first", SOON)).outcome, "timeout");
    assert.equal((await ask(socket, "ask", "second", LONG)).answer, "in time");
  });

  inModes(test, "many questions in flight are matched", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const open = [];
    socket.on("question", (i, reply) => {
      open.push(() => reply({ i }));
      if (open.length === 200) open.reverse().forEach((answer) => answer());
    });
    const answers = await ask(socket, "ask-burst", 200, LONG);
    assert.deepEqual(answers, Array.from({ length: 200 }, (_, i) => ({ i })));
  });

  inModes(test, "questions to two clients are kept apart", async (t, mode) => {
    const clients = await Promise.all(["a", "b"].map(async (name) => {
      const socket = await connect(t, server, { mode });
      socket.on("question", (i, reply) => reply(`${name}${i}`));
      return socket;
    }));
    const [a, b] = await Promise.all(clients.map((socket) => ask(socket, "ask-burst", 50, LONG)));
    assert.deepEqual(a, Array.from({ length: 50 }, (_, i) => `a${i}`));
    assert.deepEqual(b, Array.from({ length: 50 }, (_, i) => `b${i}`));
  });

  inModes(test, "client that leaves ends the wait of the server", async (t, mode) => {
    const watcher = await watch(t, server);
    const socket = await connect(t, server, { mode });
    const { id } = socket;
    const question = next(socket, "question");
    socket.emit("ask", "still there?", 500);
    await question;
    socket.disconnect();
    const result = await watcher.asked(id);
    assert.ok(["disconnected", "timeout"].includes(result.outcome), result.outcome);
  });

  inModes(test, "client that is lost ends the wait of the server", async (t, mode) => {
    const watcher = await watch(t, server);
    const socket = await connect(t, server, { mode });
    const { id } = socket;
    const question = next(socket, "question");
    socket.emit("ask", "still there?", 500);
    await question;
    socket.io.engine.close();
    const result = await watcher.asked(id);
    assert.ok(["disconnected", "timeout"].includes(result.outcome), result.outcome);
  });

  inModes(test, "ack of a gone client harms nobody", async (t, mode) => {
    const other = await connect(t, server, { mode });
    const socket = await connect(t, server, { mode });
    const watcher = await watch(t, server);
    const { id } = socket;
    socket.emit("slow", SOON, "tag", () => assert.fail("answered after the end"));
    await fence(socket);
    socket.disconnect();
    await watcher.records(id);
    await ask(other, "slow", SOON, "tag");
    await fence(other);
  });

  inModes(test, "broadcast collects the answers of all", async (t, mode) => {
    const clients = await Promise.all([1, 2, 3].map(() => connect(t, server, { mode })));
    const room = `${mode}-all`;
    for (const [i, socket] of clients.entries()) {
      await call(socket, "join", room);
      socket.on("question", (value, reply) => reply(`${value}${i}`, "second value"));
    }
    const { error, answers } = await ask(clients[0], "ask-all", room, "q", LONG);
    assert.equal(error, null);
    assert.deepEqual(answers.sort(), ["q0", "q1", "q2"]);
  });

  inModes(test, "broadcast reports the answers it got in time", async (t, mode) => {
    const [quick, silent] = await Promise.all([1, 2].map(() => connect(t, server, { mode })));
    const room = `${mode}-some`;
    await Promise.all([quick, silent].map((socket) => call(socket, "join", room)));
    quick.on("question", (_, reply) => reply("here"));
    const unanswered = collect(silent, "question");
    const result = await ask(quick, "ask-all", room, "q", 3 * SOON);
    assert.deepEqual(result, { error: "timeout", answers: ["here"] });
    assert.deepEqual(await unanswered.reach(1), ["q"]);
  });

  inModes(test, "broadcast to nobody is answered at once", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.deepEqual(await ask(socket, "ask-all", "empty room", "q", LONG), { error: null, answers: [] });
  });
});
