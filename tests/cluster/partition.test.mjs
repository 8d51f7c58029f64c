// One node loses its way to Redis, by refusal or by silence, and finds it again.
import assert from "node:assert/strict";
import { after } from "node:test";
import { call, collect, next } from "./clients.mjs";
import { clustersOf, withRedis } from "./cluster.mjs";
import { FAULT_MODES, FLAGS, assertHeardInRoom, assertLocalTraffic, assertOnce, assertRequestsEnd, assertTogether, audience, fresh } from "./faults.mjs";
import { REFERENCE } from "./nodes.mjs";
import { Proxy } from "./proxy.mjs";

/** Who stays beside the node behind the proxy; that one is ours. */
const PAIRS = REFERENCE ? [["reference", "reference"]] : [["reference", "sio"], ["sio", "sio"]];

withRedis((redis) => {
  let proxy;
  const addresses = async () => {
    proxy?.stop();
    proxy = await new Proxy(redis.port).start();
    return [redis.url, `redis://127.0.0.1:${proxy.port}`];
  };
  after(() => proxy?.stop());
  const options = { flags: FLAGS, pairs: PAIRS, addresses };
  clustersOf(redis, FAULT_MODES, options, (cluster, define) => {
    const keeps = cluster.mode.startsWith("streams");

    for (const fault of ["cut", "stall"]) {
      define(`a node behind a ${fault} line serves its clients, and is back when it is mended`, async (t) => {
        const [near, far] = [await audience(t, cluster.nodes[0]), await audience(t, cluster.nodes[1])];
        const audiences = [near, far];
        await assertTogether(cluster, audiences);
        const heard = collect(far.web, "told");
        const said = Array.from({ length: 30 }, () => fresh("told"));
        proxy[fault]();
        try {
          for (const value of said) near.web.emit("all", "told", value);
          if (far.node.kind === "sio") {
            const end = assertRequestsEnd(far);
            await assertLocalTraffic(t, far);
            await end;
            await assertLocalTraffic(t, far);
          }
          if (near.node.kind === "sio") await assertLocalTraffic(t, near);
          for (const socket of [far.web, far.polling]) await call(socket, "join", "behind");
        } finally {
          proxy.heal();
        }
        await assertTogether(cluster, audiences);
        // What was said meanwhile is in the stream; a channel keeps nothing, unless the line only held it.
        if (keeps) assert.deepEqual(heard.values, said);
        else assert.deepEqual(heard.values, said.filter((value) => heard.values.includes(value)));
        await assertHeardInRoom(cluster, near.web, [far], "behind");
        audiences.forEach(assertOnce);
      });
    }

    define("a line that breaks again and again leaves nothing double", async (t) => {
      const [near, far] = [await audience(t, cluster.nodes[0]), await audience(t, cluster.nodes[1])];
      await assertTogether(cluster, [near, far]);
      for (let round = 0; round < 5; round += 1) {
        proxy.cut();
        for (const { web } of [near, far]) {
          const value = fresh("broken");
          // What is local arrives at once wherever the node is ours.
          const arrived = next(web, "n", { where: (n) => n === value });
          web.emit("all", "n", value);
          if (web === near.web || far.node.kind === "sio") await arrived;
          else arrived.catch(() => {});
        }
        proxy.heal();
        await assertTogether(cluster, [near, far]);
      }
    });
  });
});
