// The cluster node on the reference server: what `cluster-node` of tests/conformance does.
//
// node.mjs --port N --redis URL --mode classic|sharded|streams
//   --key TEXT               channel prefix, or name of the stream
//   --subscription TEXT      of mode sharded: static, dynamic, dynamic-private
//   --specific-responses     of mode classic
//   --requests-timeout MS    of mode classic; elsewhere requests wait 5 s
//   --no-recovery            of mode streams
//   --offset-wait MS         of mode streams, of sio; ignored
//   --workers N              of sio; ignored
//
// Namespaces `/` and `/custom` have the same handlers. Beyond what the common programs have in common:
//   rooms (rooms, event, p)          to several rooms
//   unmove (room, from, ack)         sockets in the room leave another one
//   remember (value, ack)            the socket's data becomes {value}
//   recall (ack)                     {value, recovered, rooms} of the socket
//   describe (id, ack)               {id, rooms, data, auth, label} of a socket, wherever it is; label from its query
//   poke (id, event, p)              an event through the handle of a remote socket
//   ask-one (id, event, p, ack)      the same with an ack: {err, answer}
//   tell (event, p)                  a server-side event without acks: the other nodes emit it to their sockets
// `fetch` and `sse` that fail answer with what there is, and the error's text as the second argument.
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const { values: flags } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    redis: { type: "string" },
    mode: { type: "string" },
    key: { type: "string", default: "socket.io" },
    subscription: { type: "string", default: "dynamic" },
    "specific-responses": { type: "boolean", default: false },
    "requests-timeout": { type: "string", default: "5000" },
    "no-recovery": { type: "boolean", default: false },
    "offset-wait": { type: "string" },
    workers: { type: "string", default: "1" },
  },
});

async function client() {
  const socket = { reconnectStrategy: 20 };
  const connection = createClient({ url: flags.redis, socket });
  // A lost connection is opened again; what fails meanwhile is told where it is asked.
  connection.on("error", () => {});
  await connection.connect();
  return connection;
}

async function adapter() {
  const { key } = flags;
  switch (flags.mode) {
    case "classic":
      return createAdapter(await client(), await client(), {
        key,
        requestsTimeout: Number(flags["requests-timeout"]),
        publishOnSpecificResponseChannel: flags["specific-responses"],
      });
    case "sharded":
      return createShardedAdapter(await client(), await client(), {
        channelPrefix: key,
        subscriptionMode: flags.subscription,
      });
    case "streams":
      return createStreamsAdapter(await client(), { streamName: key, channelPrefix: key });
    default:
      throw new Error(`no mode ${flags.mode}`);
  }
}

// Commands that fail while Redis is away reject promises nobody holds.
process.on("unhandledRejection", () => {});

const recovers = flags.mode === "streams" && !flags["no-recovery"];
const http = createServer();
const io = new Server(http, {
  adapter: await adapter(),
  ...(recovers ? { connectionStateRecovery: {} } : {}),
});
let node;

for (const name of ["/", "/custom"]) {
  const ns = io.of(name);
  ns.on("hello", (x, answer) => answer?.({ node, x }));
  ns.on("relay", (event, p) => ns.local.emit(event, p));
  ns.on("connection", (socket) => {
    socket.on("whoami", (ack) => ack({ id: socket.id, node }));
    socket.on("join", (room, ack) => {
      socket.join(room);
      ack();
    });
    socket.on("leave", (room, ack) => {
      socket.leave(room);
      ack();
    });
    socket.on("all", (event, p) => ns.emit(event, p));
    socket.on("others", (event, p) => socket.broadcast.emit(event, p));
    socket.on("room", (room, event, p) => ns.to(room).emit(event, p));
    socket.on("rooms", (rooms, event, p) => ns.to(rooms).emit(event, p));
    socket.on("except", (room, event, p) => ns.except(room).emit(event, p));
    socket.on("local", (event, p) => ns.local.emit(event, p));
    socket.on("ask", (event, p, ack) => {
      ns.timeout(1000).emit(event, p, (error, answers) => {
        ack({ err: error ? error.message : null, answers });
      });
    });
    socket.on("fetch", async (room, ack) => {
      try {
        const sockets = await (room === null ? ns : ns.in(room)).fetchSockets();
        ack(sockets.map(({ id, rooms }) => ({ id, rooms: [...rooms].sort() })));
      } catch (error) {
        ack([], error.message);
      }
    });
    socket.on("move", (room, to, ack) => {
      ns.in(room).socketsJoin(to);
      ack();
    });
    socket.on("unmove", (room, from, ack) => {
      ns.in(room).socketsLeave(from);
      ack();
    });
    socket.on("kick", (room) => ns.in(room).disconnectSockets());
    socket.on("sse", (x, ack) => {
      ns.serverSideEmit("hello", x, (error, answers) => {
        if (error) ack(answers, error.message);
        else ack(answers);
      });
    });
    socket.on("tell", (event, p) => ns.serverSideEmit("relay", event, p));
    socket.on("remember", (value, ack) => {
      socket.data = { value };
      ack();
    });
    socket.on("recall", (ack) => {
      const { value = null } = socket.data;
      ack({ value, recovered: socket.recovered, rooms: [...socket.rooms].sort() });
    });
    socket.on("describe", async (id, ack) => {
      const [found] = await ns.in(id).fetchSockets();
      const { rooms, data, handshake } = found;
      ack({ id: found.id, rooms: [...rooms].sort(), data, auth: handshake.auth, label: handshake.query.label });
    });
    socket.on("poke", async (id, event, p) => {
      const [found] = await ns.in(id).fetchSockets();
      found.emit(event, p);
    });
    socket.on("ask-one", async (id, event, p, ack) => {
      const [found] = await ns.in(id).fetchSockets();
      try {
        ack({ err: null, answer: await found.timeout(1000).emitWithAck(event, p) });
      } catch (error) {
        ack({ err: error.message, answer: null });
      }
    });
  });
}

// A namespace takes part once its channels are subscribed.
await Promise.all(["/", "/custom"].map((name) => io.of(name).adapter.serverCount()));
process.on("SIGTERM", () => {
  io.close();
  // The connections to Redis would hold the process.
  http.once("close", () => process.exit(0));
});
http.listen(Number(flags.port), "127.0.0.1", () => {
  const { port } = http.address();
  node = String(port);
  console.log(`listening on http://127.0.0.1:${port}`);
});
