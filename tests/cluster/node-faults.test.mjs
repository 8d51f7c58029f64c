// Nodes come, go in order, end without a goodbye, or fall silent.
import assert from "node:assert/strict";
import { ask, call, collect, connect } from "./clients.mjs";
import { bothWays, clustersOf, withRedis } from "./cluster.mjs";
import { FLAGS, REQUESTS_TIMEOUT, assertTogether, audience, fresh } from "./faults.mjs";
import { REFERENCE } from "./nodes.mjs";
import { until } from "./waits.mjs";

/** Streams without recovery hear of nodes as those with it do. */
const MODES = ["classic", "sharded dynamic", "streams"];

/** Requests end in time with what the asking node has itself, and name who did not answer. */
async function assertMissed({ node, web }) {
  const start = performance.now();
  const [fetched, answered, asked] = await Promise.all([
    call(web, "fetch", null),
    call(web, "sse", 1),
    call(web, "ask", "q", "x"),
  ]);
  const took = performance.now() - start;
  if (node.kind === "sio") {
    assert.ok(took < REQUESTS_TIMEOUT + 1000, `requests took ${Math.round(took)} ms`);
    const names = /^timeout reached: only 0 responses received out of 1 \(missing: [\w-]{6,16}\)$/;
    assert.match(fetched[1], names);
    assert.match(answered[1], names);
    assert.match(asked[0].err, names);
  } else {
    assert.match(fetched[1], /^timeout reached/);
    assert.match(answered[1], /^timeout reached: only 0 responses received out of 1/);
    assert.match(asked[0].err, /^operation has timed out/);
  }
  assert.deepEqual(asked[0].answers, ["x", "x"]);
}

const answers = async (socket) => (await call(socket, "sse", 1))[0].map(({ node }) => node).sort();
const ports = (...nodes) => nodes.map(({ port }) => String(port)).sort();

withRedis((redis) => clustersOf(redis, MODES, { flags: FLAGS }, (cluster, define) => {
  define("a node that comes is asked, one that goes is not", async (t) => {
    const [first, second] = cluster.nodes;
    const kinds = new Set(cluster.kinds);
    for (const kind of kinds) {
      const third = await cluster.add(kind);
      await cluster.meet();
      const asker = await connect(t, first);
      const other = await connect(t, third);
      await call(other, "join", "third");
      assert.deepEqual(await answers(asker), ports(second, third));
      assert.equal((await ask(asker, "fetch", "third")).length, 1);
      await third.stop();
      cluster.nodes.length = 2;
      await until(async () => (await answers(asker)).length === 1, "third node gone");
      assert.deepEqual(await answers(asker), ports(second));
      assert.deepEqual(await ask(asker, "fetch", "third"), []);
    }
  });

  bothWays(define, cluster, "a node that ends without a goodbye is not waited for, and may come back", async (t, left, lost) => {
    const asker = await audience(t, left);
    await audience(t, lost);
    await lost.kill();
    await until(async () => (await answers(asker.web)).length === 0, "lost node gone");
    const found = await ask(asker.web, "fetch", "fault");
    assert.deepEqual(found.map(({ id }) => id).sort(), [asker.web.id, asker.polling.id].sort());
    const { err, answers: acks } = await ask(asker.web, "ask", "q", 1);
    assert.deepEqual([err, acks], [null, [1, 1]]);
    await lost.start();
    await assertTogether(cluster, [asker, await audience(t, lost)]);
  });

  bothWays(define, cluster, "a silent node is missed by name, and hears what was said when it wakes", async (t, asking, silent) => {
    const one = await audience(t, asking);
    const other = await audience(t, silent);
    const list = collect(other.web, "told");
    await assertTogether(cluster, [one, other]);
    silent.pause();
    const values = Array.from({ length: 20 }, () => fresh("told"));
    try {
      for (const value of values) one.web.emit("all", "told", value);
      // The reference's time-outs take longer, and are its own affair.
      if (asking.kind === "sio" || REFERENCE) await assertMissed(one);
    } finally {
      silent.resume();
    }
    await assertTogether(cluster, [one, other]);
    assert.deepEqual(list.values, values);
  });
}));
