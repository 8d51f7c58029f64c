// Whatever anybody writes on the channels and into the stream, our nodes go on.
import assert from "node:assert/strict";
import { encode } from "@msgpack/msgpack";
import { ask, call } from "./clients.mjs";
import { clustersOf, withRedis } from "./cluster.mjs";
import { assertOnce, assertTogether, audience } from "./faults.mjs";
import { REFERENCE } from "./nodes.mjs";

/** The reference may end on such input. */
const PAIRS = REFERENCE ? [] : [["sio", "sio"]];
const RANDOM = 150;
const DEEP = 100000;

/** Numbers that look random and are the same in each run. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const bytes = (...list) => Buffer.from(list);
const packed = (value) => Buffer.from(encode(value));
const OPTS = { rooms: [], except: [], flags: {} };
const event = (...data) => ({ type: 2, data, nsp: "/" });
/** What stands where something else is expected. */
const WRONG = [null, true, -1, 1e300, "text", [], [[], null, {}], {}, { rooms: 1 }, "x".repeat(2000)];

/** Messages that are almost right, for each of the formats. */
function almost() {
  const values = [...WRONG];
  for (const wrong of WRONG) {
    // Classic broadcasts.
    values.push([wrong, event("garbage", 1), OPTS], ["other", wrong, OPTS], ["other", event("garbage", 1), wrong]);
    values.push(["other", { type: wrong, data: wrong, nsp: wrong }, OPTS], ["other", { ...event(), data: wrong }, OPTS]);
    for (const key of ["rooms", "except", "flags"]) {
      values.push(["other", event("garbage", 1), { ...OPTS, [key]: wrong, rooms: key === "rooms" ? wrong : ["nobody"] }]);
    }
    // Requests, responses and the envelopes of the other modes.
    for (const type of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, wrong]) {
      const opts = { ...OPTS, rooms: ["nobody"] };
      const data = { opts: wrong, rooms: wrong, packet: wrong, requestId: wrong, clientCount: wrong, sockets: wrong };
      values.push({ uid: "other", nsp: "/", type, data: wrong });
      values.push({ uid: wrong, nsp: wrong, type, data: { ...data, opts } });
      values.push({ uid: "other", nsp: "/", type, data: { ...data, opts, requestId: "id" } });
      values.push({ uid: "other", requestId: wrong, type, opts, rooms: wrong, data: wrong, packet: wrong });
      values.push({ uid: "other", requestId: "id", type, sid: wrong, room: wrong, close: wrong });
      values.push({ type, requestId: "id", clientCount: wrong, packet: wrong, data: wrong, sockets: wrong, rooms: wrong });
    }
  }
  return values;
}

/** Bytes that are no message at all, or claim to be a huge one. */
function broken(random) {
  const list = [
    Buffer.alloc(0),
    Buffer.from("{"),
    Buffer.from('{"type":3'),
    Buffer.from("{}"),
    Buffer.from("[1,2"),
    Buffer.from("\u{feff}{}"),
    Buffer.from('{"type":3,"data":"\\ud800","uid":"x","nsp":"/"}'),
    Buffer.from('{"type":1e999,"uid":"x","requestId":"y"}'),
    Buffer.concat([Buffer.from('{"uid":"'), bytes(0xff, 0xfe), Buffer.from('","type":5}')]),
    Buffer.from("[".repeat(DEEP)),
    Buffer.from(`{"type":3,"uid":"x","nsp":"/","data":${"[".repeat(DEEP)}${"]".repeat(DEEP)}}`),
    Buffer.from('{"a":'.repeat(DEEP)),
    Buffer.alloc(DEEP, 0x91),
    Buffer.concat([Buffer.alloc(DEEP, 0x91), bytes(0xc0)]),
    Buffer.concat([bytes(0x93, 0xa1, 0x78), Buffer.alloc(DEEP, 0x81)]),
    // Lengths without what they promise.
    bytes(0xdd, 0xff, 0xff, 0xff, 0xff),
    bytes(0xdf, 0xff, 0xff, 0xff, 0xff),
    bytes(0xc6, 0xff, 0xff, 0xff, 0xff, 1),
    bytes(0xdb, 0xff, 0xff, 0xff, 0xff, 0x61),
    bytes(0xc9, 0xff, 0xff, 0xff, 0xff, 1),
    bytes(0x93, 0xa1, 0x78, 0xdf, 0x7f, 0xff, 0xff, 0xff),
    bytes(0x84, 0xa4, 0x74, 0x79, 0x70, 0x65, 0xdd, 0x0f, 0xff, 0xff, 0xff),
    bytes(0xc1),
  ];
  const whole = packed(["other", event("garbage", Buffer.from([1, 2, 3]), "text"), { ...OPTS, rooms: ["nobody"] }]);
  const envelope = packed({ type: 3, uid: "other", nsp: "/", data: { packet: event("garbage", Buffer.from([1])), opts: { ...OPTS, rooms: ["nobody"] } } });
  for (const message of [whole, envelope]) {
    for (let end = 0; end < message.length; end += 1) list.push(message.subarray(0, end));
    list.push(Buffer.concat([message, bytes(0xc0)]));
  }
  for (let i = 0; i < RANDOM; i += 1) {
    list.push(Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256))));
  }
  return list;
}

withRedis((redis) => clustersOf(redis, ["classic", "sharded dynamic", "streams"], { pairs: PAIRS }, (cluster, define) => {
  /** Every channel that the nodes hear, and some that match their patterns. */
  const channels = async (kind) => {
    const reply = await redis.admin.sendCommand(["PUBSUB", kind, `${cluster.key}*`]);
    return [...reply].map(String);
  };

  define("garbage on every channel and in the stream harms nobody", async (t) => {
    const audiences = [];
    for (const node of cluster.nodes) audiences.push(await audience(t, node));
    await assertTogether(cluster, audiences);
    const random = generator(cluster.key.length + cluster.mode.length);
    const texts = almost();
    const payloads = [
      ...broken(random),
      ...texts.map((value) => Buffer.from(JSON.stringify(value))),
      ...texts.map(packed),
    ];
    const sharded = cluster.mode.startsWith("sharded");
    const heard = sharded ? await channels("SHARDCHANNELS") : await channels("CHANNELS");
    if (cluster.mode.startsWith("classic")) heard.push(`${cluster.key}#/#`, `${cluster.key}#/#fault#`, `${cluster.key}#/#nobody`);
    assert.ok(heard.length > 3, `channels: ${heard}`);
    for (const channel of heard) {
      const sent = payloads.map((payload) => redis.admin.sendCommand([sharded ? "SPUBLISH" : "PUBLISH", channel, payload]));
      await Promise.all(sent);
    }
    if (cluster.mode.startsWith("streams")) {
      const add = (...fields) => redis.admin.sendCommand(["XADD", cluster.key, "*", ...fields]);
      const sent = payloads.flatMap((payload, i) => {
        const type = String([3, 4, 5, 6, 9, 7, 99][i % 7]);
        return [
          add("uid", "other", "nsp", "/", "type", type, "data", payload),
          add("uid", "other", "nsp", "/", "type", "3", "data", payload.toString("base64")),
        ];
      });
      sent.push(
        add("x", "y"),
        add("nsp", "/"),
        add("nsp", "/", "type", "3"),
        add("nsp", "/", "type", "text", "data", "{}"),
        add("nsp", "/", "type", "-3", "data", "{}", "uid", "x"),
        add("uid", "x", "nsp", Buffer.from([0xff]), "type", "3", "data", "{}"),
        add("nsp", "/", "nsp", "/custom", "type", "3", "type", "4", "uid", "x", "data", "{}", "data", "!"),
        add("uid", "x", "nsp", "/unknown", "type", "3", "data", JSON.stringify({ packet: event("garbage", 1), opts: OPTS })),
      );
      await Promise.all(sent);
    }
    await assertTogether(cluster, audiences);
    for (const { web, node } of audiences) {
      assert.equal(node.program.alive(), true);
      assert.equal((await ask(web, "fetch", "fault")).length, 4);
      const { err, answers } = await ask(web, "ask", "q", Buffer.from([1]));
      assert.deepEqual([err, answers], [null, Array(4).fill(Buffer.from([1]))]);
      assert.equal((await call(web, "sse", 1))[0].length, 1);
    }
    audiences.forEach(assertOnce);
  });
}));
