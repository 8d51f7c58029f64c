// Program H on the reference server: what `instrumented` of tests/conformance does, as far as the Admin page sees it.
//
// node-server.mjs --port N
//   --redis URL        a node of a cluster, in classic mode; sessions of the Admin page are kept there
//   --server-id TEXT   the name in the list of servers, the machine's otherwise
//   --production       the Admin page gets sums only
//   --read-only        the Admin page changes nothing
//   --workers N        of sio; ignored
//
// Admin namespace `/admin`, user `admin`, password `changeit`; the page at `/admin/`.
// Namespaces `/` and `/second`, open to all, have the same events:
//   echo (...args, ack?)        ack ...args; without ack emit `echo` ...args
//   slow (ms, ack)              ack after that time
//   broadcast (event, ...args)  to the whole namespace
//   join (room, ack)            ack
//   room (room, event, ...args) to the room
//   keep (value, ack)           the socket's data becomes {value}; ack
import { createServer } from "node:http";
import { createReadStream } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { instrument, RedisStore } from "@socket.io/admin-ui";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { HASH, PAGE, USER } from "./known.mjs";

const { values: flags } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    redis: { type: "string" },
    "server-id": { type: "string" },
    production: { type: "boolean", default: false },
    "read-only": { type: "boolean", default: false },
    workers: { type: "string" },
  },
});

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
  ".png": "image/png",
};

/** The files of the page, and nothing else. */
function servePage(request, response) {
  const wanted = new URL(request.url, "http://localhost").pathname;
  const inside = wanted.startsWith("/admin/") ? wanted.slice("/admin/".length) || "index.html" : undefined;
  const file = inside && path.join(PAGE, path.normalize(`/${inside}`));
  const type = file && TYPES[path.extname(file)];
  if (!type) {
    response.writeHead(404).end();
    return;
  }
  const stream = createReadStream(file);
  stream.once("open", () => response.writeHead(200, { "content-type": type }));
  stream.once("error", () => response.writeHead(404).end());
  stream.pipe(response);
}

async function redis() {
  const client = createClient({ url: flags.redis });
  // A lost connection is opened again; what fails meanwhile is told where it is asked.
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** The store of the package was written for clients with callbacks, which take any value. */
function withCallbacks(client) {
  return {
    exists: (key, done) => client.exists(key).then((found) => done(null, found), done),
    multi() {
      const all = client.multi();
      const steps = {
        set: (key, value) => (all.set(key, String(value)), steps),
        expire: (key, seconds) => (all.expire(key, seconds), steps),
        exec: () => void all.exec().catch(() => {}),
      };
      return steps;
    },
  };
}

const http = createServer(servePage);
const io = new Server(http);
if (flags.redis) io.adapter(createAdapter(await redis(), await redis()));
instrument(io, {
  auth: { type: "basic", username: USER, password: HASH },
  mode: flags.production ? "production" : "development",
  readonly: flags["read-only"],
  serverId: flags["server-id"],
  ...(flags.redis ? { store: new RedisStore(withCallbacks(await redis())) } : {}),
});

for (const name of ["/", "/second"]) {
  const ns = io.of(name);
  ns.on("connection", (socket) => {
    socket.on("echo", (...args) => {
      const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
      if (ack) ack(...args);
      else socket.emit("echo", ...args);
    });
    socket.on("slow", (ms, ack) => setTimeout(ack, ms));
    socket.on("broadcast", (event, ...args) => ns.emit(event, ...args));
    socket.on("join", (room, ack) => {
      socket.join(room);
      ack?.();
    });
    socket.on("room", (room, event, ...args) => ns.to(room).emit(event, ...args));
    socket.on("keep", (value, ack) => {
      socket.data.value = value;
      ack?.();
    });
  });
}

// A namespace takes part once its channels are subscribed.
if (flags.redis) await Promise.all(["/", "/second", "/admin"].map((name) => io.of(name).adapter.serverCount()));
process.on("SIGTERM", () => {
  io.close();
  http.once("close", () => process.exit(0));
});
http.listen(Number(flags.port), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${http.address().port}`);
});
