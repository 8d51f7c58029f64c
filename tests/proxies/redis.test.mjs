// Redis with the settings of docs/operations/redis: what its user may do is what nodes need.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";
import { said, start, startNode, unusedPort, within } from "./harness.mjs";

const SETTINGS = fileURLToPath(new URL("../../docs/operations/redis/", import.meta.url));
const NODE_JS = fileURLToPath(new URL("../../examples/cluster/node.mjs", import.meta.url));

/** Redis on a free port with the files of the documentation. */
async function startRedis(t) {
  const folder = await mkdtemp(path.join(tmpdir(), "sio-redis-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const users = path.join(folder, "users.acl");
  await writeFile(users, await readFile(path.join(SETTINGS, "users.acl")));
  for (let tries = 1; ; tries += 1) {
    const port = await unusedPort();
    const settings = path.join(SETTINGS, "redis.conf");
    const here = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--aclfile", users];
    const redis = start(process.env.SIO_REDIS ?? "redis-server", [settings, ...here]);
    try {
      await said(redis, /Ready to accept connections/);
      t.after(() => redis.stop());
      return { port, url: `redis://sio:change-me@127.0.0.1:${port}` };
    } catch (error) {
      if (tries === 3) throw error;
    }
  }
}

/** One command as a user; the answer's first line. */
async function ask(port, ...commands) {
  const socket = dial(port, "127.0.0.1");
  let answer = "";
  socket.setEncoding("utf8").on("data", (chunk) => (answer += chunk));
  await once(socket, "connect");
  socket.write(commands.map((command) => `${command}\r\n`).join(""));
  while (answer.split("\r\n").length <= commands.length) await pause(5);
  socket.destroy();
  return answer.split("\r\n")[commands.length - 1];
}

describe("redis", { timeout: 120_000 }, () => {
  test("the documented user may do what nodes need, and no more", async (t) => {
    const redis = await startRedis(t);
    const env = { REDIS_URL: redis.url };
    const nodes = [await startNode("a", env), await startNode("b", env)];
    for (const node of nodes) t.after(() => node.stop());
    const js = start(process.execPath, [NODE_JS], { env: { ...process.env, ...env, PORT: "0", NODE_NAME: "c" } });
    t.after(() => js.stop());
    nodes.push({ ...js, address: (await said(js, /^listening on http:\/\/(\S+)$/m))[1] });

    const heard = [];
    const sockets = [];
    for (const [index, node] of nodes.entries()) {
      const socket = io(`http://${node.address}`, { transports: ["websocket"], forceNew: true });
      t.after(() => socket.disconnect());
      socket.on("line", (line) => line.system || heard.push(`${index} ${line.text}`));
      await within(once(socket, "connect"), "connect");
      const answer = await within(socket.emitWithAck("join", { nick: `n${index}`, room: "hall" }), "join");
      assert.equal(answer.error, undefined);
      sockets.push(socket);
    }
    for (const [index, socket] of sockets.entries()) await socket.emitWithAck("say", `from ${index}`);
    const wanted = [0, 1, 2].flatMap((to) => [0, 1, 2].map((from) => `${to} from ${from}`)).sort();
    await within(
      (async () => {
        while (heard.length < wanted.length) await pause(10);
      })(),
      "lines",
    );
    assert.deepEqual(heard.sort(), wanted);
    for (const node of nodes) assert.doesNotMatch(node.output, /NOPERM|NOAUTH|WRONGPASS|change-me/);

    // Without it, a connection for questions serves for one of them only.
    assert.match(await ask(redis.port, "AUTH sio change-me", "UNWATCH"), /^\+OK/);

    const refused = /^-NO(PERM|AUTH)/;
    assert.match(await ask(redis.port, "PING"), refused, "nobody without a password");
    for (const command of ["FLUSHALL", "CONFIG GET *", "KEYS *", "GET other", "PUBLISH other x"]) {
      assert.match(await ask(redis.port, "AUTH sio change-me", command), refused, command);
    }
  });
});
