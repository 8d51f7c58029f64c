// Two nodes that know nothing of each other behind a proxy: whether sessions stay where they began.
//
// Each client comes from an address of its own. The files are those of docs/operations; what is expected
// stands there, too (sticky-sessions.md).
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startNode, startProxy, visits } from "./harness.mjs";

const TRANSPORT = { polling: "polling", upgrade: "websocket", websocket: "websocket" };
const ALL = ["polling", "upgrade", "websocket"];

describe("sticky sessions", { timeout: 300_000 }, () => {
  let nodes;
  before(async () => {
    // The cookie is read by one of the set-ups; it does not disturb the others.
    const env = { CHAT_IO_COOKIE: "true" };
    nodes = await Promise.all(["a", "b"].map((name) => startNode(name, env)));
  });
  after(async () => {
    for (const node of nodes ?? []) assert.equal(await node.stop(), 0, node.output);
  });

  /** Everybody gets through, on the right transport, and both nodes are used. */
  const works = (kind, file, modes, cookies = false) => {
    for (const mode of modes) {
      const how = cookies ? ", clients with cookies" : "";
      test(`${kind}/${file} works for ${mode}${how}`, async (t) => {
        const proxy = await startProxy(t, kind, file, nodes);
        const results = await visits(t, proxy.url, { mode, cookies });
        const failed = results.filter((result) => result.failed);
        assert.deepEqual(failed, [], proxy.output);
        for (const result of results) assert.equal(result.transport, TRANSPORT[mode]);
        assert.deepEqual([...new Set(results.map((result) => result.node))].sort(), ["a", "b"]);
      });
    }
  };

  /** Requests of one session reach different nodes, which say so. */
  const fails = (kind, file, modes, { cookies = false, change, title = "" } = {}) => {
    for (const mode of modes) {
      test(`${kind}/${file} fails for ${mode}${title}`, async (t) => {
        const proxy = await startProxy(t, kind, file, nodes, { change });
        const results = await visits(t, proxy.url, { mode, cookies });
        const lost = results.filter((result) => result.failed?.includes("Session ID unknown"));
        assert.ok(lost.length > 0, JSON.stringify(results));
      });
    }
  };

  works("nginx", "ip-hash.conf", ALL);
  works("nginx", "address-hash.conf", ALL);
  works("nginx", "cookie.conf", ALL, true);
  works("nginx", "websocket-only.conf", ["websocket"]);
  works("haproxy", "cookie.cfg", ALL, true);
  works("haproxy", "stick-table.cfg", ALL);
  works("haproxy", "stick-table.cfg", ["polling"], true);
  works("haproxy", "source.cfg", ALL);
  works("haproxy", "websocket-only.cfg", ["websocket"]);

  const without = { title: ", clients without cookies" };
  fails("nginx", "websocket-only.conf", ["polling", "upgrade"]);
  fails("nginx", "cookie.conf", ["polling", "upgrade"], without);
  fails("haproxy", "websocket-only.cfg", ["polling", "upgrade"]);
  fails("haproxy", "cookie.cfg", ["polling", "upgrade"], without);
  fails("nginx", "address-hash.conf", ["polling"], {
    change: (text) => text.replace("hash $remote_addr consistent;", "hash $arg_sid;"),
    title: " when the session id is hashed",
  });

  test("nginx without the upgrade headers leaves clients on polling and refuses WebSocket", async (t) => {
    const change = (text) => text.replace(/^ *proxy_set_header (Upgrade|Connection) \$.*$/gm, "");
    const proxy = await startProxy(t, "nginx", "ip-hash.conf", nodes, { change });
    for (const result of await visits(t, proxy.url, { mode: "upgrade" })) {
      assert.equal(result.transport, "polling", result.failed);
    }
    for (const result of await visits(t, proxy.url, { mode: "websocket" })) {
      assert.match(result.failed ?? "", /websocket error/);
    }
  });
});
