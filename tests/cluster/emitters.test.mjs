// What programs without clients emit reaches the clients of all nodes.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ask, call, collect, connect, next } from "./clients.mjs";
import { REFERENCE } from "./nodes.mjs";
import { clustersOf, heardRoom, join, withRedis } from "./cluster.mjs";
import { OurEmitter, StreamsEmitter, classicEmitter } from "./emitters.mjs";
import { until } from "./waits.mjs";

const BYTES = Buffer.from([0, 1, 2, 255]);
const OTHERS = {
  classic: (cluster) => classicEmitter(cluster.redis, cluster.key),
  streams: (cluster) => new StreamsEmitter(cluster.redis, cluster.key),
  "streams without recovery": (cluster) => new StreamsEmitter(cluster.redis, cluster.key),
};
const OURS = ["classic", "sharded dynamic", "sharded static", "streams", "streams without recovery"];

/** Everything the emitter said before has arrived at the sockets afterwards. */
async function fence(emitter, sockets) {
  const arrived = sockets.map((socket) => next(socket, "emitted all"));
  await emitter.emit("emitted all");
  await Promise.all(arrived);
}

withRedis((redis) => {
  clustersOf(redis, Object.keys(OTHERS), {}, (cluster, define) => {
    tests(cluster, define, "the reference's emitter", () => OTHERS[cluster.mode](cluster));
  });
  if (!REFERENCE) {
    clustersOf(redis, OURS, {}, (cluster, define) => {
      let ours;
      before(() => (ours = new OurEmitter(cluster)));
      after(() => ours.program.end());
      tests(cluster, define, "our emitter", () => ours);
    });
  }
});

function tests(cluster, define, who, make) {
  const prepare = async (t, ns) => {
    const emitter = make();
    const sockets = [];
    for (const node of cluster.nodes) sockets.push(await connect(t, node, { ns }), await connect(t, node, { ns }));
    return { emitter: ns === undefined ? emitter : emitter.of(ns), sockets };
  };

  define(`${who} reaches all clients, with text and bytes`, async (t) => {
    const { emitter, sockets } = await prepare(t);
    const lists = sockets.map((socket) => collect(socket, "news"));
    const values = ["ü", 1, null, { x: [1, "2"] }, BYTES, { file: BYTES, more: [BYTES] }];
    for (const value of values) await emitter.emit("news", value);
    for (const list of lists) assert.deepEqual(await list.reach(values.length), values);
  });

  define(`${who} reaches another namespace`, async (t) => {
    const { emitter, sockets } = await prepare(t, "/custom");
    const root = await connect(t, cluster.nodes[0]);
    const lists = [...sockets, root].map((socket) => collect(socket, "news"));
    await emitter.emit("news", 1);
    await fence(emitter, sockets);
    await fence(make(), [root]);
    assert.deepEqual(lists.map(({ values }) => values), [[1], [1], [1], [1], []]);
  });

  define(`${who} reaches rooms, but not who is excepted`, async (t) => {
    const { emitter, sockets } = await prepare(t);
    const [a, b, c, d] = sockets;
    for (const socket of [a, b, c]) await join(cluster, socket, "in");
    for (const socket of [b, d]) await join(cluster, socket, "not 1");
    await heardRoom(cluster, "in", cluster.nodes.length);
    const lists = sockets.map((socket) => collect(socket, "news"));
    await emitter.to("in").emit("news", "room");
    await emitter.to(["in", "not 1"]).emit("news", "rooms");
    await emitter.to("in").except("not 1").emit("news", "room but");
    await emitter.except(["not 1"]).emit("news", "but");
    await fence(emitter, sockets);
    assert.deepEqual(lists.map(({ values }) => values), [
      ["room", "rooms", "room but", "but"],
      ["room", "rooms"],
      ["room", "rooms", "room but", "but"],
      ["rooms"],
    ]);
  });

  define(`${who} moves sockets and disconnects them`, async (t) => {
    const { emitter, sockets } = await prepare(t);
    const [a, b, c, d] = sockets;
    const roomsOf = async (socket) => (await ask(socket, "recall")).rooms;
    for (const socket of [a, c]) await call(socket, "join", "group");
    await emitter.to("group").socketsJoin(["new 1", "new 2"]);
    for (const socket of [a, c]) {
      const expected = [socket.id, "group", "new 1", "new 2"].sort();
      await until(async () => (await roomsOf(socket)).length === 4, "joined");
      assert.deepEqual(await roomsOf(socket), expected);
    }
    await emitter.to("new 1").socketsLeave("new 2");
    for (const socket of [a, c]) {
      await until(async () => (await roomsOf(socket)).length === 3, "left");
    }
    assert.deepEqual(await roomsOf(b), [b.id]);
    const ends = [a, c].map((socket) => next(socket, "disconnect"));
    await emitter.to("new 1").disconnectSockets();
    for (const [reason] of await Promise.all(ends)) assert.equal(reason, "io server disconnect");
    await fence(emitter, [b, d]);
  });

  define(`${who} reaches the servers`, async (t) => {
    const { emitter, sockets } = await prepare(t);
    const lists = sockets.map((socket) => collect(socket, "told"));
    await emitter.serverSideEmit("relay", "told", { x: "ü" });
    for (const list of lists) assert.deepEqual(await list.reach(1), [{ x: "ü" }]);
    await fence(emitter, sockets);
    for (const { values } of lists) assert.equal(values.length, 1);
  });
}
