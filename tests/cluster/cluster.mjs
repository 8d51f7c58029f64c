// Several nodes over one Redis, ready when all of them hear each other.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { call, connected, open } from "./clients.mjs";
import { MODES, Node, PAIRS } from "./nodes.mjs";
import { Redis } from "./redis.mjs";
import { until } from "./waits.mjs";

const TEST_DEADLINE = 60000;
let clusters = 0;

export class Cluster {
  /**
   * `kinds` of the nodes; all share a key of their own, so that clusters on one Redis do not meet. `addresses`
   * gives where each node finds Redis, if that is not its own address.
   */
  constructor(redis, mode, kinds, { flags = [], workers = 1, addresses = () => [] } = {}) {
    clusters += 1;
    this.redis = redis;
    this.mode = mode;
    this.key = `cluster-${clusters}`;
    this.flags = [...MODES[mode], "--key", this.key, "--workers", String(workers), ...flags];
    this.kinds = kinds;
    this.addresses = addresses;
    this.nodes = [];
  }

  async start() {
    const given = await this.addresses();
    await Promise.all(this.kinds.map((kind, place) => this.add(kind, { place, redis: given[place] })));
    await this.meet();
  }

  /** One more node; `redis` is the address it is given instead of the real one. */
  async add(kind, { redis = this.redis.url, place = this.nodes.length } = {}) {
    const node = new Node(kind, redis, this.flags);
    // It has to be ended even if it never gets ready.
    this.nodes[place] = node;
    return node.start();
  }

  /** Resolves when each of the nodes hears each other one in both namespaces, on all ways there are. */
  async meet(nodes = this.nodes) {
    const closers = [];
    const t = { after: (close) => closers.push(close) };
    try {
      for (const ns of ["/", "/custom"]) {
        const clients = nodes.map((node) => open(t, node.url, { ns }));
        await Promise.all(clients.map(connected));
        await Promise.all(clients.map((client) => heard(client, clients)));
      }
    } finally {
      closers.forEach((close) => close());
    }
  }

  async stop() {
    const ends = await Promise.allSettled(this.nodes.map((node) => node.stop()));
    const failed = ends.find(({ status }) => status === "rejected");
    if (failed) throw failed.reason;
  }
}

let meetings = 0;

async function heard(from, clients) {
  meetings += 1;
  const event = `meet ${meetings}`;
  const by = new Set();
  for (const client of clients) client.once(event, () => by.add(client));
  await until(async () => {
    from.emit("all", event, null);
    const [answers, error] = await call(from, "sse", "meet");
    return error === undefined && answers.length === clients.length - 1 && by.size === clients.length;
  }, `all ${clients.length} nodes of the cluster together`, { ms: 20000 });
}

/** Resolves once a room is heard by as many nodes as it has members on, where rooms have channels of their own. */
export async function heardRoom(cluster, room, nodes = 1, ns = "/") {
  if (!cluster.mode.startsWith("sharded dynamic")) return;
  const own = room.length === 20;
  if (own && !cluster.mode.endsWith("private")) return;
  const channel = `${cluster.key}#${ns}#${room}#`;
  await until(async () => {
    const reply = await cluster.redis.admin.sendCommand(["PUBSUB", "SHARDNUMSUB", channel]);
    const count = reply[1] ?? reply[channel];
    return Number(count) >= nodes;
  }, `room ${room} subscribed`);
}

/** Joins, and waits until messages for the room arrive. */
export async function join(cluster, socket, room, nodes = 1) {
  await call(socket, "join", room);
  await heardRoom(cluster, room, nodes, socket.nsp);
}

/** A Redis for the tests of one file. */
export function withRedis(body) {
  const redis = new Redis();
  before(() => redis.start());
  after(() => redis.stop());
  body(redis);
}

/** A group of tests for each pair of nodes in each of the modes; `body` gets the cluster and a function that defines a test. */
export function clustersOf(redis, modes, options, body) {
  for (const mode of modes) {
    for (const kinds of options.pairs ?? PAIRS) {
      // Two of ours have two workers each, one beside the reference has one.
      const workers = kinds.every((kind) => kind === "sio") ? 2 : 1;
      describe(`${mode}, ${kinds.join(" + ")}`, () => {
        const cluster = new Cluster(redis, mode, kinds, { workers, ...options });
        before(() => cluster.start());
        after(() => cluster.stop());
        body(cluster, (title, run) => test(title, { timeout: TEST_DEADLINE }, run));
      });
    }
  }
}

/** The same test in both directions: `run` gets the node where it starts and the other one. */
export function bothWays(define, cluster, title, run) {
  const ways = new Set(cluster.kinds).size === 1 ? [[0, 1]] : [[0, 1], [1, 0]];
  for (const [from, to] of ways) {
    define(`${title} [${cluster.kinds[from]} → ${cluster.kinds[to]}]`, (t) => {
      assert.equal(cluster.nodes.length, cluster.kinds.length);
      return run(t, cluster.nodes[from], cluster.nodes[to]);
    });
  }
}
