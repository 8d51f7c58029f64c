// The interop program on the reference JavaScript server.
//
// This comment is the specification of the program; any server implementing it can be put under the tests.
//
// COMMAND LINE
//   --port N              port on 127.0.0.1, 0 = any free one (default 0)
//   --workers N           number of worker threads (default 1; a server without workers ignores it)
//   --ping-interval MS    default 25000        --ping-timeout MS      default 20000
//   --connect-timeout MS  default 45000        --upgrade-timeout MS   default 10000
//   --max-payload BYTES   default 1000000; enforced, and announced as `maxPayload` in the handshake
//   --allow-eio3 1        serve Socket.IO 2 clients as well; off by default
//   --deflate BYTES       permessage-deflate from this size on; off by default
//   --msgpack 1           packets as MessagePack (the package socket.io-msgpack-parser); 0 by default
//   --recovery MS         connection state recovery for this long; off by default
// All other options have their defaults: path /socket.io, both transports, upgrades allowed, no CORS.
// When ready, exactly one line on stdout: `listening on http://127.0.0.1:PORT`. Anything else goes to stderr.
// SIGTERM: disconnect everybody, free the port, end with status 0 within a few seconds.
//
// NOTATION  `name` (a, b, ack) is an event of the client; "ack x" answers with x, "ack" alone with no argument.
// Events are handled only by the namespaces they are listed for; an unknown event is ignored, its ack never answered.
// "this socket" is the sender. All lists of ids or rooms are sorted by code unit. Bytes are binary attachments.
// The state named below (list, ticks, tags, nick) belongs to one socket and ends with it; the list comes back with it.
//
// NAMESPACES
//   `/`, `/second`  common events, open to all
//   `/guarded`      common events behind a guard that runs before CONNECT is answered: if `auth.delay` is a number it
//                   waits that many ms; unless `auth.token` is "secret" it refuses with message "not authorized" and
//                   data {"code":401,"hint":"token"}
//   `/chat`         chat events only
//   `/listen`       listen events only, open to all
//   `/watch`        no events of the client; open to all
//   others          do not exist ("Invalid namespace")
//
// COMMON EVENTS
//   on connection   if `auth.burst` is a number N: emit `burst` i to this socket, i = 0..N-1, before anything else
//   `echo` (...args, ack?)        with ack: ack ...args; without: emit `echo` ...args (any number of arguments, also none)
//   `describe` (...args, ack)     ack a list with one text per argument: "null", "bool", "number", "string:<UTF-8 bytes>",
//                                 "binary:<bytes>", "array:<elements>", "object:<keys>"
//   `handshake` (ack)             ack {id, ns, auth, query, headers, url, address, secure} of this socket's handshake
//                                 (auth {} when absent; query an object of texts; header names in lower case;
//                                 address without port, "127.0.0.1"; url as in the first request)
//   `make-binary` (n, ack?)       n bytes, byte i is i mod 256: ack them, or without ack emit `binary` bytes
//   `make-nested` (ack?)          {"a":<01 02 03>,"list":[<no bytes>,"é",<ff>],"deep":{"b":<00>}}: ack it, or emit `nested` it
//   `ack-none` (ack)              ack
//   `ack-values` (ack)            ack 1, "two", [3], {"four":4}, null
//   `ack-error` (ack)             ack {"error":{"code":"denied","message":"not allowed"}}
//   `ask` (value, ms, ack?)       emit `question` value to this socket, expecting an ack within ms; the result is
//                                 {"id":<socket id>,"outcome":"answer","answer":<first argument or null>}, or
//                                 {"id":..,"outcome":"timeout"}, or {"id":..,"outcome":"disconnected"} (a server may also
//                                 report a disconnected client as timeout). It is emitted as `asked` to all of `/watch`,
//                                 and acked if asked for
//   `ask-burst` (n, ms, ack)      emit `question` i for i = 0..n-1 without waiting in between; when all are answered ack
//                                 the list of answers in the order of i; if one fails ack "timeout"
//   `ask-all` (room|null, value, ms, ack)   broadcast `question` value with acks to the room, or to the whole namespace
//                                 (the sender too); ack {"error":null|"timeout","answers":[first arguments, any order]}
//   `count` (n, ack)              emit `n` i for i = 0..n-1 to this socket, then ack n
//   `item` (x)                    append x to this socket's list
//   `items` (ack)                 ack that list
//   `stream-start` ()             from now on emit `tick` i, i = 0, 1, 2, .. to this socket, one about every millisecond
//   `stream-stop` (ack)           stop it, ack the number of ticks emitted (also ends when the socket disconnects)
//   `join` (room or list, ack)    join, ack          `leave` (room, ack)  leave, ack
//   `rooms` (ack)                 ack this socket's rooms, its own id included
//   `members` (room|null, ack)    ack ids of the sockets in the room, or of the whole namespace
//   `cast` (opts, event, payload, ack?)   broadcast event payload within the namespace; opts (all optional):
//                                 to: list of rooms (absent or empty = everybody), except: list of rooms,
//                                 self: true = the sender may receive it too (default false), volatile: bool.
//                                 Then ack. The payload may hold bytes
//   `volatile-mix` ()             in one go: emit `v` 1, volatile emit `v` 2, emit `v` 3 to this socket
//   `kick` (close)                disconnect this socket; close true: the whole connection
//   `kick-room` (room, close, ack?)   the same for all sockets of the namespace in the room; then ack
//   `bye` (n, close)              emit `last` i for i = 0..n-1 to this socket, then disconnect it as `kick` does
//   `drop-me` ()                  close this connection at the engine level: no DISCONNECT packet, orderly close
//                                 (packets already queued are delivered)
//   `slow` (ms, tag, ack)         note tag as started, wait ms (other events go on meanwhile), note it as finished, ack tag
//   `slow-log` (ack)              ack {"started":[tags],"finished":[tags]} of this socket
//   `typed-sum` (a, b, ack?)      two integers: ack a + b, or without ack emit `sum` a + b. Wrong or missing arguments:
//                                 ack {"error":{"code":"bad_request","message":<text>}}, or without ack emit `exception`
//                                 {"code":"bad_request","message":<text>,"event":"typed-sum"}
//   `panic` (ack?)                the handler panics (throws) with text "deliberate" at once. With ack: ack
//                                 {"error":{"code":"internal","message":<not that text>}}, or without ack emit `exception`
//                                 {"code":"internal","message":<same>,"event":"panic"}. The socket stays connected
//   `panic-later` (ack?)          the same after a suspension of about 1 ms
//
// CHAT EVENTS
//   `enter` (room, nick, ack)     join the room, remember nick and room, emit `entered` nick to the others in the room,
//                                 ack the number of its members (with this one)
//   `say` (text, ack?)            emit `said` {"from":nick,"text":text} to all in the room, the sender too; then ack
//   on disconnecting              emit `left` nick to the others in the room, if it had entered one
//
// LISTEN EVENTS
//   before any handler, for every event: `old` is renamed to `echo`; `double` n becomes `echo` n, n; `late` waits about
//                                 20 ms and becomes `echo`; `forbidden` is refused (without ack nothing is sent)
//   `ack-none` (ack), `echo` (...args, ack)   as in the common events
//   `listen` (name, ack)          from now on, for each event `name`: emit `heard` [name, ...its arguments] to this socket
//   `listen-once` (name, ack)     the same for the next one
//   `answer` (name, value, ack)   from now on each event `name` of this socket is answered with value
//   `unlisten` (name, ack)        ends `listen`, `listen-once` and `answer` of that name
//   `any` (on, ack)               keep [name, number of arguments] of each event of this socket from now on, or stop
//   `any-log` (ack)               ack the list of what was kept, and forget it
//   `outgoing` (on, ack)          keep [name, descriptions of arguments] of each event sent to this socket, or stop
//   `outgoing-log` (ack)          ack the list of what was kept, and forget it
//   `tell` (name, ...args, ack)   emit to this socket, then ack      `tell-all` the same to the whole namespace
//   `join` (room, ack)            join, ack
//   `data` (value, ack)           store value as this socket's data, ack true
//   `remote` (room, ack)          ack {id, rooms, data} of each socket in the room, by id
//   `remote-ask` (id, value, ms, ack)   emit `question` value to that socket: ack {"answer":<its first value>} or
//                                 {"error":<text>} when it did not answer in ms; null if there is no such socket
//   `remote-do` (id, what, room, ack)   that socket joins ("join") or leaves ("leave") the room, or is disconnected; ack
//
// RECORDS  In `/`, `/second`, `/guarded` and `/chat`, for each socket, at `disconnecting` and at `disconnect`:
// {"ns":<namespace>,"id":<socket id>,"stage":"disconnecting"|"disconnect","reason":<text>,"rooms":[rooms at that time]}
// is appended to a list of the process (oldest may be dropped above 10000) and emitted as `gone` record to all of `/watch`.
//
// HTTP  on the same port
//   GET /emit?ns=&room=&event=&data=   emit from outside of any handler: ns default `/`; room absent or empty = the
//                                      whole namespace; data = JSON text of the one argument, absent = no argument.
//                                      204. Missing event, bad JSON or unknown namespace: 400
//   GET /disconnects?id=               200, JSON list of the records with that socket id, in order (without id: all)
//   other paths                        404
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import { Server } from "socket.io";
import msgpack from "socket.io-msgpack-parser";

const { values: flags } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    workers: { type: "string", default: "1" },
    "ping-interval": { type: "string", default: "25000" },
    "ping-timeout": { type: "string", default: "20000" },
    "connect-timeout": { type: "string", default: "45000" },
    "upgrade-timeout": { type: "string", default: "10000" },
    "max-payload": { type: "string", default: "1000000" },
    "allow-eio3": { type: "string" },
    deflate: { type: "string" },
    msgpack: { type: "string", default: "0" },
    recovery: { type: "string" },
  },
});
const RECORDED = 10000;
const records = [];
const http = createServer(onRequest);
const io = new Server(http, {
  pingInterval: Number(flags["ping-interval"]),
  pingTimeout: Number(flags["ping-timeout"]),
  connectTimeout: Number(flags["connect-timeout"]),
  upgradeTimeout: Number(flags["upgrade-timeout"]),
  maxHttpBufferSize: Number(flags["max-payload"]),
  perMessageDeflate: flags.deflate === undefined ? false : { threshold: Number(flags.deflate) },
  allowEIO3: flags["allow-eio3"] === "1",
  connectionStateRecovery:
    flags.recovery === undefined ? undefined : { maxDisconnectionDuration: Number(flags.recovery) },
  serveClient: false,
  ...(flags.msgpack === "1" ? { parser: msgpack } : {}),
});
const watch = io.of("/watch");

function onRequest(request, response) {
  const url = new URL(request.url, "http://server");
  const end = (status, body) => {
    response.writeHead(status, body === undefined ? {} : { "content-type": "application/json" });
    response.end(body);
  };
  if (request.method !== "GET") return end(404);
  if (url.pathname === "/disconnects") {
    const id = url.searchParams.get("id");
    return end(200, JSON.stringify(id ? records.filter((record) => record.id === id) : records));
  }
  if (url.pathname !== "/emit") return end(404);
  const namespace = url.searchParams.get("ns") || "/";
  const room = url.searchParams.get("room");
  const event = url.searchParams.get("event");
  const data = url.searchParams.get("data");
  if (!event || !io._nsps.has(namespace)) return end(400);
  let args;
  try {
    args = data === null ? [] : [JSON.parse(data)];
  } catch {
    return end(400);
  }
  const target = io.of(namespace);
  (room ? target.to(room) : target).emit(event, ...args);
  return end(204);
}

function recordDisconnect(socket) {
  for (const stage of ["disconnecting", "disconnect"]) {
    socket.on(stage, (reason) => {
      const rooms = [...socket.rooms].sort();
      const record = { ns: socket.nsp.name, id: socket.id, stage, reason, rooms };
      records.push(record);
      if (records.length > RECORDED) records.shift();
      watch.emit("gone", record);
    });
  }
}

/** An acknowledgement if the client asked for one, otherwise undefined. */
const ackOf = (args) => (typeof args.at(-1) === "function" ? args.pop() : undefined);

function describe(value) {
  if (value === null) return "null";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "number";
  if (typeof value === "string") return `string:${Buffer.byteLength(value)}`;
  if (Buffer.isBuffer(value)) return `binary:${value.length}`;
  if (Array.isArray(value)) return `array:${value.length}`;
  return `object:${Object.keys(value).length}`;
}

async function ask(socket, value, ms) {
  try {
    const answer = (await socket.timeout(ms).emitWithAck("question", value)) ?? null;
    return { id: socket.id, outcome: "answer", answer };
  } catch {
    return { id: socket.id, outcome: "timeout" };
  }
}

function answerFailure(reply, socket, event, error) {
  if (reply) reply({ error });
  else socket.emit("exception", { ...error, event });
}

/** What the framework under test does itself for a handler that panics. */
async function isolated(reply, socket, event, handler) {
  try {
    await handler();
  } catch {
    answerFailure(reply, socket, event, { code: "internal", message: "internal error" });
  }
}

function common(socket) {
  const namespace = socket.nsp;
  recordDisconnect(socket);
  for (let i = 0; i < (socket.handshake.auth.burst ?? 0); i++) socket.emit("burst", i);

  socket.on("echo", (...args) => {
    const reply = ackOf(args);
    if (reply) reply(...args);
    else socket.emit("echo", ...args);
  });
  socket.on("describe", (...args) => ackOf(args)(args.map(describe)));
  socket.on("handshake", (reply) => {
    const { auth, query, headers, url, address, secure } = socket.handshake;
    reply({ id: socket.id, ns: namespace.name, auth, query, headers, url, address, secure });
  });
  socket.on("make-binary", (n, reply) => {
    const bytes = Buffer.from(Array.from({ length: n }, (_, i) => i % 256));
    if (reply) reply(bytes);
    else socket.emit("binary", bytes);
  });
  socket.on("make-nested", (reply) => {
    const list = [Buffer.alloc(0), "é", Buffer.from([255])];
    const value = { a: Buffer.from([1, 2, 3]), list, deep: { b: Buffer.from([0]) } };
    if (reply) reply(value);
    else socket.emit("nested", value);
  });

  socket.on("ack-none", (reply) => reply());
  socket.on("ack-values", (reply) => reply(1, "two", [3], { four: 4 }, null));
  socket.on("ack-error", (reply) => reply({ error: { code: "denied", message: "not allowed" } }));
  socket.on("ask", async (value, ms, reply) => {
    const result = await ask(socket, value, ms);
    watch.emit("asked", result);
    reply?.(result);
  });
  socket.on("ask-burst", async (n, ms, reply) => {
    const results = await Promise.all(Array.from({ length: n }, (_, i) => ask(socket, i, ms)));
    const complete = results.every((result) => result.outcome === "answer");
    reply(complete ? results.map((result) => result.answer) : "timeout");
  });
  socket.on("ask-all", (room, value, ms, reply) => {
    const target = room === null ? namespace : namespace.to(room);
    target.timeout(ms).emit("question", value, (error, answers) => {
      reply({ error: error ? "timeout" : null, answers });
    });
  });

  const items = (socket.data.items ??= []);
  socket.on("count", (n, reply) => {
    for (let i = 0; i < n; i++) socket.emit("n", i);
    reply(n);
  });
  socket.on("item", (item) => items.push(item));
  socket.on("items", (reply) => reply(items));

  let ticks = 0;
  let ticker;
  socket.on("stream-start", () => {
    ticker = setInterval(() => socket.emit("tick", ticks++), 1);
  });
  socket.on("stream-stop", (reply) => {
    clearInterval(ticker);
    reply(ticks);
  });
  socket.on("disconnect", () => clearInterval(ticker));

  socket.on("join", (rooms, reply) => {
    socket.join(rooms);
    reply();
  });
  socket.on("leave", (room, reply) => {
    socket.leave(room);
    reply();
  });
  socket.on("rooms", (reply) => reply([...socket.rooms].sort()));
  socket.on("members", async (room, reply) => {
    const sockets = await (room === null ? namespace : namespace.in(room)).fetchSockets();
    reply(sockets.map((member) => member.id).sort());
  });
  socket.on("cast", (options, event, payload, reply) => {
    let target = options.self ? namespace : socket.broadcast;
    for (const room of options.to ?? []) target = target.to(room);
    for (const room of options.except ?? []) target = target.except(room);
    if (options.volatile) target = target.volatile;
    target.emit(event, payload);
    reply?.();
  });
  socket.on("volatile-mix", () => {
    socket.emit("v", 1);
    socket.volatile.emit("v", 2);
    socket.emit("v", 3);
  });

  socket.on("kick", (close) => socket.disconnect(close));
  socket.on("kick-room", (room, close, reply) => {
    namespace.in(room).disconnectSockets(close);
    reply?.();
  });
  socket.on("bye", (n, close) => {
    for (let i = 0; i < n; i++) socket.emit("last", i);
    socket.disconnect(close);
  });
  socket.on("drop-me", () => socket.conn.close());

  const started = [];
  const finished = [];
  socket.on("slow", async (ms, tag, reply) => {
    started.push(tag);
    await delay(ms);
    finished.push(tag);
    reply(tag);
  });
  socket.on("slow-log", (reply) => reply({ started, finished }));
  socket.on("typed-sum", (...args) => {
    const reply = ackOf(args);
    const [a, b] = args;
    if (!Number.isInteger(a) || !Number.isInteger(b)) {
      const message = "two integers expected";
      return answerFailure(reply, socket, "typed-sum", { code: "bad_request", message });
    }
    if (reply) reply(a + b);
    else socket.emit("sum", a + b);
  });
  socket.on("panic", (...args) =>
    isolated(ackOf(args), socket, "panic", () => {
      throw new Error("deliberate");
    }),
  );
  socket.on("panic-later", (...args) =>
    isolated(ackOf(args), socket, "panic-later", async () => {
      await delay(1);
      throw new Error("deliberate");
    }),
  );
}

function chat(socket) {
  let nick;
  let place;
  recordDisconnect(socket);
  socket.on("enter", async (room, name, reply) => {
    socket.join(room);
    nick = name;
    place = room;
    socket.to(room).emit("entered", name);
    reply((await socket.nsp.in(room).fetchSockets()).length);
  });
  socket.on("say", (text, reply) => {
    socket.nsp.to(place).emit("said", { from: nick, text });
    reply?.();
  });
  socket.on("disconnecting", () => {
    if (place !== undefined) socket.to(place).emit("left", nick);
  });
}

function middleware(event, next) {
  const [name, ...args] = event;
  if (name === "forbidden") return next(new Error("not here"));
  if (["old", "double", "late"].includes(name)) event[0] = "echo";
  if (name === "double") event.splice(1, 1, args[0], args[0]);
  return name === "late" ? setTimeoutOf(20, next) : next();
}

function setTimeoutOf(ms, call) {
  delay(ms).then(() => call());
}

function listen(socket) {
  const namespace = socket.nsp;
  const any = [];
  const outgoing = [];
  const heard = (name) => (...args) => socket.emit("heard", [name, ...args]);
  const taken = (log) => log.splice(0, log.length);
  socket.use(middleware);
  socket.on("ack-none", (reply) => reply());
  socket.on("echo", (...args) => ackOf(args)?.(...args));
  socket.on("listen", (name, reply) => {
    socket.on(name, heard(name));
    reply();
  });
  socket.on("listen-once", (name, reply) => {
    socket.once(name, heard(name));
    reply();
  });
  socket.on("answer", (name, value, reply) => {
    socket.on(name, (...args) => ackOf(args)?.(value));
    reply();
  });
  socket.on("unlisten", (name, reply) => {
    socket.removeAllListeners(name);
    reply();
  });
  socket.on("any", (on, reply) => {
    socket.offAny();
    if (on) socket.onAny((name, ...args) => any.push([name, (ackOf(args), args.length)]));
    reply();
  });
  socket.on("any-log", (reply) => reply(taken(any)));
  socket.on("outgoing", (on, reply) => {
    socket.offAnyOutgoing();
    if (on) socket.onAnyOutgoing((name, ...args) => outgoing.push([name, args.map(describe)]));
    reply();
  });
  socket.on("outgoing-log", (reply) => reply(taken(outgoing)));
  socket.on("tell", (name, ...args) => {
    const reply = ackOf(args);
    socket.emit(name, ...args);
    reply();
  });
  socket.on("tell-all", (name, ...args) => {
    const reply = ackOf(args);
    namespace.emit(name, ...args);
    reply();
  });
  socket.on("join", (room, reply) => {
    socket.join(room);
    reply();
  });
  socket.on("data", (value, reply) => {
    socket.data = value;
    reply(true);
  });
  socket.on("remote", async (room, reply) => {
    const sockets = await namespace.in(room).fetchSockets();
    const tell = ({ id, rooms, data }) => ({ id, rooms: [...rooms].sort(), data });
    reply(sockets.map(tell).sort((a, b) => (a.id < b.id ? -1 : 1)));
  });
  socket.on("remote-ask", async (id, value, ms, reply) => {
    const [found] = await namespace.in(id).fetchSockets();
    if (found === undefined) return reply(null);
    return found.timeout(ms).emitWithAck("question", value).then(
      (answer) => reply({ answer }),
      (error) => reply({ error: error.message }),
    );
  });
  socket.on("remote-do", async (id, what, room, reply) => {
    for (const found of await namespace.in(id).fetchSockets()) {
      if (what === "join") found.join(room);
      else if (what === "leave") found.leave(room);
      else found.disconnect();
    }
    reply();
  });
}

async function guard(socket, next) {
  const { token, delay: pause } = socket.handshake.auth;
  if (typeof pause === "number") await delay(pause);
  if (token === "secret") return next();
  const error = new Error("not authorized");
  error.data = { code: 401, hint: "token" };
  return next(error);
}

for (const name of ["/", "/second", "/guarded"]) io.of(name).on("connection", common);
io.of("/guarded").use(guard);
io.of("/chat").on("connection", chat);
io.of("/listen").on("connection", listen);
process.on("SIGTERM", () => io.close(() => process.exit(0)));
http.listen(Number(flags.port), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${http.address().port}`);
});
