// What single sockets listen to, in both directions, and sockets as others see them.
import assert from "node:assert/strict";
import { ask, call, collect, connect, fence, inModes, next, suite } from "./harness.mjs";

const NS = "/listen";
const SOON = 100;
const LONG = 4000;

suite("listeners", {}, (server, test) => {
  inModes(test, "a listener hears its event until it is removed", async (t, mode) => {
    const [socket, other] = await Promise.all([1, 2].map(() => connect(t, server, { ns: NS, mode })));
    const { values } = collect(socket, "heard");
    const others = collect(other, "heard");
    await call(socket, "listen", "news");
    socket.emit("news", 1, "é", Buffer.from([1, 2]));
    other.emit("news", 2);
    socket.emit("unknown");
    await fence(socket, other);
    await call(socket, "unlisten", "news");
    socket.emit("news", 3);
    await fence(socket);
    assert.deepEqual(values, [["news", 1, "é", Buffer.from([1, 2])]]);
    assert.deepEqual(others.values, []);
  });

  inModes(test, "once is once", async (t, mode) => {
    const socket = await connect(t, server, { ns: NS, mode });
    const { values } = collect(socket, "heard");
    await call(socket, "listen-once", "news");
    for (let i = 0; i < 3; i++) socket.emit("news", i);
    await fence(socket);
    assert.deepEqual(values, [["news", 0]]);
  });

  inModes(test, "a listener answers what nobody else does", async (t, mode) => {
    const socket = await connect(t, server, { ns: NS, mode });
    await call(socket, "answer", "who", "me");
    assert.equal(await ask(socket, "who", 1), "me");
    await call(socket, "unlisten", "who");
    await assert.rejects(socket.timeout(SOON).emitWithAck("who"), /operation has timed out/);
  });

  inModes(test, "a catch-all listener hears every event before its handler", async (t, mode) => {
    const socket = await connect(t, server, { ns: NS, mode });
    await call(socket, "any", true);
    socket.emit("unknown", 1, 2);
    socket.emit("old");
    assert.deepEqual(await ask(socket, "echo", Buffer.from([1])), Buffer.from([1]));
    assert.deepEqual(await ask(socket, "any-log"), [["unknown", 2], ["old", 0], ["echo", 1], ["any-log", 0]]);
    await call(socket, "any", false);
    await ask(socket, "any-log");
    socket.emit("unknown");
    assert.deepEqual(await ask(socket, "any-log"), []);
  });

  inModes(test, "an outgoing listener sees emits and broadcasts, not acks", async (t, mode) => {
    const [socket, other] = await Promise.all([1, 2].map(() => connect(t, server, { ns: NS, mode })));
    await call(socket, "outgoing", true);
    const event = `${mode}-all`;
    const told = next(socket, event);
    await call(socket, "tell", "direct", 1, "é");
    await call(other, "tell", "others", 1);
    await call(other, "tell-all", event, Buffer.from([1, 2, 3]), null);
    await told;
    await fence(socket);
    const log = await ask(socket, "outgoing-log");
    const mine = log.filter(([name]) => name === event || !name.includes("-all"));
    assert.deepEqual(mine, [["direct", ["number", "string:2"]], [event, ["binary:3", "null"]]]);
    await call(socket, "outgoing", false);
    await call(socket, "tell", "direct");
    assert.deepEqual(await ask(socket, "outgoing-log"), []);
  });

  inModes(test, "a middleware renames, changes and refuses events, and makes them wait in order", async (t, mode) => {
    const socket = await connect(t, server, { ns: NS, mode });
    assert.deepEqual(await call(socket, "old", "a", 2), ["a", 2]);
    assert.deepEqual(await call(socket, "double", 7), [7, 7]);
    const sent = collect(socket, "exception");
    socket.emit("forbidden", 1);
    await fence(socket);
    assert.deepEqual(sent.values, []);
    assert.ok(socket.connected);
    assert.deepEqual(await call(socket, "late", "waited"), ["waited"]);
  });

  inModes(test, "fetched sockets tell who they are", async (t, mode) => {
    const [one, two] = await Promise.all([1, 2].map(() => connect(t, server, { ns: NS, mode })));
    const room = `${mode}-fetched`;
    await Promise.all([one, two].map((socket) => call(socket, "join", room)));
    assert.equal(await ask(one, "data", { name: "é", n: [1] }), true);
    const expected = [
      { id: one.id, rooms: [one.id, room].sort(), data: { name: "é", n: [1] } },
      { id: two.id, rooms: [two.id, room].sort(), data: {} },
    ];
    const byId = (a, b) => (a.id < b.id ? -1 : 1);
    assert.deepEqual(await ask(two, "remote", room), expected.sort(byId));
    assert.deepEqual(await ask(two, "remote", "nobody"), []);
  });

  inModes(test, "a fetched socket gives one value, or the error of a timeout", async (t, mode) => {
    const [asker, asked, silent] = await Promise.all([1, 2, 3].map(() => connect(t, server, { ns: NS, mode })));
    asked.on("question", (value, reply) => reply({ got: value }, "more"));
    assert.deepEqual(await ask(asker, "remote-ask", asked.id, "q", LONG), { answer: { got: "q" } });
    const late = await ask(asker, "remote-ask", silent.id, "q", SOON);
    assert.deepEqual(late, { error: "operation has timed out" });
    assert.equal(await ask(asker, "remote-ask", "nobody", "q", SOON), null);
  });

  inModes(test, "what is done to a fetched socket is done to no other", async (t, mode) => {
    const [one, two, three] = await Promise.all([1, 2, 3].map(() => connect(t, server, { ns: NS, mode })));
    const room = `${mode}-done`;
    const ids = async () => (await ask(one, "remote", room)).map(({ id }) => id);
    await call(one, "remote-do", two.id, "join", room);
    await fence(two);
    assert.deepEqual(await ids(), [two.id]);
    await call(one, "remote-do", two.id, "leave", room);
    await fence(two);
    assert.deepEqual(await ids(), []);
    const ended = next(two, "disconnect");
    await call(one, "remote-do", two.id, "disconnect", "");
    assert.deepEqual((await ended)[0], "io server disconnect");
    await fence(one, three);
  });
});
