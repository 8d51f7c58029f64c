// Every operation between two nodes of a cluster.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { bothWays, clustersOf, heardRoom, join, withRedis } from "./cluster.mjs";
import { ask, call, collect, connect, fence, next } from "./clients.mjs";
import { until } from "./waits.mjs";

const TEXTS = [
  "",
  "hello",
  "grüße, 世界 🎉 \u0000 \u2028 \"quoted\" \\ back",
  0,
  -1,
  127,
  128,
  255,
  256,
  -32,
  -33,
  -129,
  -32769,
  65536,
  4294967296,
  Number.MAX_SAFE_INTEGER,
  -Number.MAX_SAFE_INTEGER,
  0.1,
  -1.5e-7,
  true,
  false,
  null,
  [],
  {},
  [[[]], [null, [1, "2", { three: 3 }]]],
  { "": "empty", 1: "one", nested: { list: [{ deep: [true] }] }, ü: "ö", type: 3, data: null },
  { _placeholder: "no", num: "x" },
  "x".repeat(70000),
  Array.from({ length: 70000 }, (_, i) => i % 300),
  Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key ${i}`, i])),
];
const BYTES = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const BINARIES = [
  Buffer.alloc(0),
  BYTES,
  { file: BYTES, name: "ü", more: [Buffer.from([1]), { deep: Buffer.from([2, 3]) }] },
  [BYTES, "text", BYTES],
  Buffer.alloc(70000, 7),
];
const ODD_ROOMS = [
  "1",
  "007",
  "-1",
  "1.5",
  "a#b",
  "#",
  "socket.io#/#",
  "*",
  "[ab]?\\",
  "with space",
  "ünï☃🎉",
  "exactly-20-character",
  "__proto__",
  "constructor",
  "{tag}",
  "null",
  "a".repeat(200),
];

/** Tests of all operations in the given modes, for the test file that calls it. */
export function operations(modes) {
  withRedis((redis) => clustersOf(redis, modes, {}, (cluster, define) => {
    const both = (title, run) => bothWays(define, cluster, title, run);
    broadcasts(cluster, both);
    rooms(cluster, both);
    requests(cluster, both);
    sockets(cluster, both);
    servers(cluster, both);
  }));
}

const sorted = (list) => [...list].sort();

function broadcasts(cluster, both) {
  both("an event for all reaches the clients of both nodes", async (t, from, to) => {
    const near = await connect(t, from);
    const far = [await connect(t, to), await connect(t, to, { transport: "polling" })];
    const arrived = [near, ...far].map((socket) => next(socket, "news"));
    near.emit("all", "news", { x: 1 });
    // Behind it comes the offset where events have one.
    for (const [value] of await Promise.all(arrived)) assert.deepEqual(value, { x: 1 });
  });

  both("values of every kind arrive unchanged", async (t, from, to) => {
    const near = await connect(t, from);
    const far = await connect(t, to);
    // Whole numbers from 2^64 on are spoilt by the reference's MessagePack.
    const values = from.kind === "sio" ? [...TEXTS, 1e21, -1e300] : TEXTS;
    const lists = [collect(near, "value"), collect(far, "value")];
    for (const value of values) near.emit("all", "value", value);
    for (const list of lists) {
      const arrived = await list.reach(values.length);
      values.forEach((value, i) => assert.deepEqual(arrived[i], value));
    }
  });

  both("bytes arrive as bytes", async (t, from, to) => {
    const near = await connect(t, from);
    const far = [await connect(t, to), await connect(t, to, { transport: "polling" })];
    const arrived = far.map((socket) => collect(socket, "bytes"));
    for (const value of BINARIES) near.emit("all", "bytes", value);
    for (const list of arrived) assert.deepEqual(await list.reach(BINARIES.length), BINARIES);
  });

  both("300 KB arrive, as text and as bytes", async (t, from, to) => {
    const near = await connect(t, from);
    const far = await connect(t, to);
    const arrived = collect(far, "large");
    const values = ["ä".repeat(150000), randomBytes(300000)];
    for (const value of values) near.emit("all", "large", value);
    assert.deepEqual(await arrived.reach(2), values);
  });

  both("500 events arrive once each and in order", async (t, from, to) => {
    const near = await connect(t, from);
    const far = [await connect(t, to), await connect(t, to)];
    const arrived = far.map((socket) => collect(socket, "n"));
    const numbers = Array.from({ length: 500 }, (_, i) => i);
    for (const n of numbers) near.emit("all", "n", n);
    await fence(near, ...far);
    for (const { values } of arrived) assert.deepEqual(values, numbers);
  });

  both("an event for the others spares its sender only", async (t, from, to) => {
    const [sender, near] = [await connect(t, from), await connect(t, from)];
    const far = await connect(t, to);
    const lists = [sender, near, far].map((socket) => collect(socket, "hi"));
    sender.emit("others", "hi", BYTES);
    await fence(sender, sender, near, far);
    assert.deepEqual(lists.map(({ values }) => values), [[], [BYTES], [BYTES]]);
  });

  both("a local event stays on its node", async (t, from, to) => {
    const near = await connect(t, from);
    const far = await connect(t, to);
    const lists = [near, far].map((socket) => collect(socket, "here"));
    near.emit("local", "here", 1);
    await fence(near, near, far);
    assert.deepEqual(lists.map(({ values }) => values), [[1], []]);
  });

  both("a namespace is a world of its own", async (t, from, to) => {
    const near = await connect(t, from, { ns: "/custom" });
    const far = await connect(t, to, { ns: "/custom" });
    const root = await connect(t, to);
    const sender = await connect(t, from);
    const lists = [near, far, root].map((socket) => collect(socket, "only"));
    for (const value of ["text", BYTES]) near.emit("all", "only", value);
    await fence(near, near, far);
    await fence(sender, root);
    assert.deepEqual(lists.map(({ values }) => values), [["text", BYTES], ["text", BYTES], []]);
  });
}

function rooms(cluster, both) {
  both("a room reaches its members on both nodes and nobody else", async (t, from, to) => {
    const [near, out] = [await connect(t, from), await connect(t, from)];
    const [far, farOut] = [await connect(t, to), await connect(t, to)];
    const lists = [near, out, far, farOut].map((socket) => collect(socket, "in"));
    await join(cluster, near, "both");
    await join(cluster, far, "both", 2);
    for (const value of ["text", BYTES]) near.emit("room", "both", "in", value);
    await fence(near, near, out, far, farOut);
    const all = ["text", BYTES];
    assert.deepEqual(lists.map(({ values }) => values), [all, [], all, []]);
    await call(far, "leave", "both");
    near.emit("room", "both", "in", "late");
    await fence(near, near, far);
    assert.deepEqual(lists[2].values, all);
    assert.deepEqual(lists[0].values, [...all, "late"]);
  });

  both("rooms with odd names work, in room events and in exceptions", async (t, from, to) => {
    const near = await connect(t, from);
    const [far, other] = [await connect(t, to), await connect(t, to)];
    const [inside, outside] = [collect(far, "odd"), collect(other, "odd")];
    const [spared, kept] = [collect(far, "not odd"), collect(other, "not odd")];
    for (const room of ODD_ROOMS) {
      await join(cluster, far, room);
      near.emit("room", room, "odd", room);
      near.emit("except", room, "not odd", room);
    }
    await fence(near, far, other);
    assert.deepEqual([inside.values, outside.values], [ODD_ROOMS, []]);
    assert.deepEqual([spared.values, kept.values], [[], ODD_ROOMS]);
    const { rooms: known } = await ask(near, "describe", far.id);
    assert.deepEqual(known, sorted([...ODD_ROOMS, far.id]));
  });

  both("a room of another namespace is another room", async (t, from, to) => {
    const near = await connect(t, from, { ns: "/custom" });
    const far = await connect(t, to, { ns: "/custom" });
    const [sender, root] = [await connect(t, from), await connect(t, to)];
    const lists = [far, root].map((socket) => collect(socket, "in"));
    await join(cluster, far, "shared");
    await join(cluster, root, "shared");
    near.emit("room", "shared", "in", "custom");
    sender.emit("room", "shared", "in", "root");
    await fence(near, far);
    await fence(sender, root);
    assert.deepEqual(lists.map(({ values }) => values), [["custom"], ["root"]]);
  });

  both("the room of a socket's own id reaches only it", async (t, from, to) => {
    const near = await connect(t, from);
    const [far, other] = [await connect(t, to), await connect(t, to)];
    const lists = [far, other].map((socket) => collect(socket, "you"));
    await heardRoom(cluster, far.id);
    for (const value of ["text", BYTES]) near.emit("room", far.id, "you", value);
    await fence(near, far, other);
    assert.deepEqual(lists.map(({ values }) => values), [["text", BYTES], []]);
  });

  both("who is in several of the rooms is reached once", async (t, from, to) => {
    const near = await connect(t, from);
    const [one, two] = [await connect(t, to), await connect(t, to)];
    const lists = [one, two].map((socket) => collect(socket, "once"));
    await join(cluster, one, "left");
    await join(cluster, one, "right");
    await join(cluster, two, "right");
    near.emit("rooms", ["left", "right", "nobody"], "once", 1);
    await fence(near, one, two);
    assert.deepEqual(lists.map(({ values }) => values), [[1], [1]]);
  });

  both("an exception holds on both nodes", async (t, from, to) => {
    const [near, nearOut] = [await connect(t, from), await connect(t, from)];
    const [far, farOut] = [await connect(t, to), await connect(t, to)];
    for (const socket of [nearOut, farOut]) await call(socket, "join", "spared");
    const lists = [near, nearOut, far, farOut].map((socket) => collect(socket, "some"));
    near.emit("except", "spared", "some", BYTES);
    await fence(near, near, nearOut, far, farOut);
    assert.deepEqual(lists.map(({ values }) => values), [[BYTES], [], [BYTES], []]);
  });
}

function requests(cluster, both) {
  const answering = (socket, answer) => socket.on("q", (p, ack) => ack(answer(p)));

  both("acks of clients on both nodes are collected", async (t, from, to) => {
    const near = await connect(t, from);
    const far = [await connect(t, to), await connect(t, to, { transport: "polling" })];
    [near, ...far].forEach((socket, i) => answering(socket, (p) => [i, p]));
    const { err, answers } = await ask(near, "ask", "q", { x: "ü" });
    assert.equal(err, null);
    assert.deepEqual(sorted(answers), [0, 1, 2].map((i) => [i, { x: "ü" }]));
  });

  both("acks carry bytes", async (t, from, to) => {
    const near = await connect(t, from);
    const far = await connect(t, to);
    for (const socket of [near, far]) answering(socket, (p) => ({ id: socket.id, echo: p, own: Buffer.from([9]) }));
    const { err, answers } = await ask(near, "ask", "q", BYTES);
    assert.equal(err, null);
    const of = (socket) => answers.find(({ id }) => id === socket.id);
    for (const socket of [near, far]) {
      assert.deepEqual(of(socket), { id: socket.id, echo: BYTES, own: Buffer.from([9]) });
    }
    assert.equal(answers.length, 2);
  });

  both("a client that does not answer is an error beside the answers of the others", async (t, from, to) => {
    const near = await connect(t, from);
    const far = await connect(t, to);
    await connect(t, to);
    answering(near, () => "near");
    answering(far, () => "far");
    const { err, answers } = await ask(near, "ask", "q", 1);
    assert.match(err, /^operation has timed out/);
    assert.deepEqual(sorted(answers), ["far", "near"]);
  });

  both("sockets of both nodes are found, with their rooms", async (t, from, to) => {
    const near = await connect(t, from);
    const far = [await connect(t, to), await connect(t, to)];
    for (const socket of [near, far[0]]) await call(socket, "join", "found");
    const of = (socket, ...more) => ({ id: socket.id, rooms: sorted([socket.id, ...more]) });
    const ordered = (list) => [...list].sort((a, b) => (a.id < b.id ? -1 : 1));
    // Clients of the tests before may still be on their way out.
    const expected = ordered([of(near, "found"), of(far[0], "found"), of(far[1])]);
    await until(async () => (await ask(near, "fetch", null)).length === 3, "three sockets");
    assert.deepEqual(ordered(await ask(near, "fetch", null)), expected);
    assert.deepEqual(ordered(await ask(near, "fetch", "found")), ordered([of(near, "found"), of(far[0], "found")]));
    assert.deepEqual(await ask(near, "fetch", "nobody"), []);
    assert.deepEqual(await ask(near, "fetch", far[1].id), [of(far[1])]);
  });

  both("a socket of the other node is described", async (t, from, to) => {
    const near = await connect(t, from);
    const far = await connect(t, to, { auth: { token: "ü", n: [1] }, query: { label: "a&b" } });
    await call(far, "remember", { deep: ["x", null] });
    const found = await ask(near, "describe", far.id);
    assert.deepEqual(found, {
      id: far.id,
      rooms: [far.id],
      data: { value: { deep: ["x", null] } },
      auth: { token: "ü", n: [1] },
      label: "a&b",
    });
  });

  both("a socket of the other node is reached through its handle", async (t, from, to) => {
    const near = await connect(t, from);
    const [far, other] = [await connect(t, to), await connect(t, to)];
    await heardRoom(cluster, far.id);
    const lists = [far, other].map((socket) => collect(socket, "poked"));
    near.emit("poke", far.id, "poked", BYTES);
    await lists[0].reach(1);
    far.on("q", (p, ack) => ack({ p }, "more"));
    assert.deepEqual(await ask(near, "ask-one", far.id, "q", BYTES), { err: null, answer: { p: BYTES } });
    const silent = await ask(near, "ask-one", other.id, "q", 1);
    assert.match(silent.err, /^operation has timed out/);
    await fence(near, far, other);
    assert.deepEqual(lists.map(({ values }) => values), [[BYTES], []]);
  });
}

function sockets(cluster, both) {
  const roomsOf = async (asker, socket) => (await ask(asker, "describe", socket.id)).rooms;

  both("sockets of both nodes are moved into a room and out of it", async (t, from, to) => {
    const near = await connect(t, from);
    const [far, other] = [await connect(t, to), await connect(t, to)];
    for (const socket of [near, far]) await call(socket, "join", "before");
    await call(near, "move", "before", "after 1");
    const has = async (socket) => (await roomsOf(near, socket)).includes("after 1");
    await until(async () => (await has(near)) && (await has(far)), "moved");
    assert.equal(await has(other), false);
    await heardRoom(cluster, "after 1", 2);
    const lists = [near, far, other].map((socket) => collect(socket, "moved"));
    near.emit("room", "after 1", "moved", 1);
    await fence(near, near, far, other);
    assert.deepEqual(lists.map(({ values }) => values), [[1], [1], []]);
    await call(near, "unmove", "before", "after 1");
    await until(async () => !(await has(near)) && !(await has(far)), "moved back");
    assert.deepEqual(await roomsOf(near, far), sorted([far.id, "before"]));
  });

  both("one socket of the other node is moved by its id", async (t, from, to) => {
    const near = await connect(t, from);
    const [far, other] = [await connect(t, to), await connect(t, to)];
    await call(near, "move", far.id, "1");
    await until(async () => (await roomsOf(near, far)).includes("1"), "moved");
    assert.deepEqual(await roomsOf(near, far), sorted(["1", far.id]));
    assert.deepEqual(await roomsOf(near, other), [other.id]);
  });

  both("sockets of both nodes are disconnected", async (t, from, to) => {
    const [asker, near] = [await connect(t, from), await connect(t, from)];
    const [far, other] = [await connect(t, to), await connect(t, to)];
    for (const socket of [near, far]) await call(socket, "join", "out");
    const ends = [near, far].map((socket) => next(socket, "disconnect"));
    asker.emit("kick", "out");
    for (const [reason] of await Promise.all(ends)) assert.equal(reason, "io server disconnect");
    await fence(asker, asker, other);
    assert.deepEqual(await ask(asker, "fetch", "out"), []);
    assert.equal(other.connected, true);
  });
}

function servers(cluster, both) {
  both("the other node answers an event between servers", async (t, from, to) => {
    for (const ns of ["/", "/custom"]) {
      const near = await connect(t, from, { ns });
      for (const x of ["ü", 1, null, { deep: [1, { x: null }] }]) {
        assert.deepEqual(await ask(near, "sse", x), [{ node: String(to.port), x }]);
      }
    }
  });

  both("an event between servers without acks does not come back", async (t, from, to) => {
    const near = await connect(t, from);
    const far = await connect(t, to);
    const lists = [near, far].map((socket) => collect(socket, "told"));
    near.emit("tell", "told", { x: [1] });
    await lists[1].reach(1);
    await fence(near, near, far);
    assert.deepEqual(lists.map(({ values }) => values), [[], [{ x: [1] }]]);
  });

  // In the classic modes these travel as JSON, where bytes have no place.
  if (!cluster.mode.startsWith("classic")) {
    both("an event between servers carries bytes, and so does its answer", async (t, from, to) => {
      const near = await connect(t, from);
      assert.deepEqual(await ask(near, "sse", { b: BYTES }), [{ node: String(to.port), x: { b: BYTES } }]);
    });
  }
}
