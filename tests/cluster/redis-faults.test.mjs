// Redis goes away, by its end or by silence, and comes back.
import { call } from "./clients.mjs";
import { clustersOf, withRedis } from "./cluster.mjs";
import { FAULT_MODES, FLAGS, assertHeardInRoom, assertLocalTraffic, assertOnce, assertRequestsEnd, assertTogether, audience, fresh } from "./faults.mjs";

const FAULTS = {
  "Redis ends and is started again": { begin: (redis) => redis.kill(), end: (redis) => redis.start() },
  "Redis is silent for a while": { begin: (redis) => redis.pause(), end: (redis) => redis.resume() },
};

withRedis((redis) => clustersOf(redis, FAULT_MODES, { flags: FLAGS }, (cluster, define) => {
  for (const [title, fault] of Object.entries(FAULTS)) {
    define(`${title}: what is local goes on, requests end, and the nodes find each other again`, async (t) => {
      const audiences = [];
      for (const node of cluster.nodes) audiences.push(await audience(t, node));
      await assertTogether(cluster, audiences);
      await fault.begin(redis);
      try {
        // The reference makes its own clients wait for Redis.
        const ours = audiences.filter(({ node }) => node.kind === "sio");
        const ends = Promise.all(ours.map((one) => assertRequestsEnd(one)));
        for (const one of ours) await assertLocalTraffic(t, one);
        await ends;
        for (const one of ours) await assertLocalTraffic(t, one);
        // Rooms with channels of their own are heard once that is possible.
        for (const { web, polling } of audiences) {
          for (const socket of [web, polling]) await call(socket, "join", "during the fault");
        }
      } finally {
        await fault.end(redis);
      }
      await assertTogether(cluster, audiences);
      for (const { web } of audiences) await assertHeardInRoom(cluster, web, audiences, "during the fault");
      audiences.forEach(assertOnce);
    });
  }
}));
