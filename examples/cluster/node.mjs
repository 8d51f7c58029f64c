// A node of the chat on the official JavaScript server: the same page, the same events, the same cluster as
// the nodes in Rust (examples/chat), connected by @socket.io/redis-adapter.
//
// From the environment: PORT, 0 for a free one; HOST; REDIS_URL; NODE_NAME, which the page shows.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";

const { PORT = "3003", HOST = "127.0.0.1", REDIS_URL = "redis://127.0.0.1:6379" } = process.env;
const { NODE_NAME = `node-${process.pid}` } = process.env;

const HISTORY = 50; // lines that are kept of a room
const MAX_ROOMS = 1_000; // above, the room that was used longest ago is forgotten if it is empty
const REPEAT_MS = 10_000; // say this often who is here: the page forgets a node that was killed
const ANSWER_MS = 1_000; // other nodes have this long to answer

// ---- rooms: people who are connected to this node, and the lines they said ----

const rooms = new Map(); // name -> {members: Map(socket id -> nick), history}
const numberOfNode = createHash("sha1").update(NODE_NAME).digest().readUInt16BE() % 1_024;
let lastLine = 0;

function roomOf(name) {
  const room = rooms.get(name) ?? { members: new Map(), history: [] };
  // The one that is used moves to the end.
  rooms.delete(name);
  rooms.set(name, room);
  if (rooms.size > MAX_ROOMS) {
    const empty = [...rooms].find(([, { members }]) => members.size === 0);
    if (empty) rooms.delete(empty[0]);
  }
  return room;
}

const membersOf = (name) => [...(rooms.get(name)?.members.values() ?? [])].sort();

// Ids are times, in which each node leaves its number.
function keepLine(name, nick, text, system) {
  const at = Date.now();
  lastLine = Math.max(at, lastLine + 1);
  const line = { id: lastLine * 1_024 + numberOfNode, at, nick, text, system };
  const { history } = roomOf(name);
  history.push(line);
  history.splice(0, history.length - HISTORY);
  return line;
}

function refusal(code, message) {
  return { error: { code, message } };
}

function fitting(value, max) {
  const text = typeof value === "string" ? value.trim() : "";
  const length = [...text].length;
  return length >= 1 && length <= max ? text : undefined;
}

// ---- the page ----

const FILES = {
  "/": ["text/html; charset=utf-8", "index.html"],
  "/chat.js": ["text/javascript; charset=utf-8", "chat.js"],
  "/style.css": ["text/css; charset=utf-8", "style.css"],
};
const page = (file) => readFileSync(new URL(`../chat/static/${file}`, import.meta.url));

const server = createServer((request, response) => {
  const [path] = request.url.split("?");
  const [type, file] = FILES[path] ?? [];
  if (path === "/health") return response.end("ok");
  if (!file) return response.writeHead(404).end();
  return response.writeHead(200, { "content-type": type, "cache-control": "no-cache" }).end(page(file));
});

// ---- the cluster ----

// The clients come back by themselves, however long Redis is away; the chat on this node goes on meanwhile.
const publisher = new Redis(REDIS_URL, { maxRetriesPerRequest: null });
const subscriber = publisher.duplicate();
for (const client of [publisher, subscriber]) {
  client.on("error", (error) => console.error(`${NODE_NAME}: redis: ${error.message || error.code}`));
}
// The adapter waits for no answer of Redis, so nobody else hears that a command failed.
process.on("unhandledRejection", (error) => console.error(`${NODE_NAME}: ${error?.message}`));
const io = new Server(server, {
  maxHttpBufferSize: 64 * 1024,
  adapter: createAdapter(publisher, subscriber, { requestsTimeout: ANSWER_MS }),
});

// A room of the chat as a room of the server, where every socket id is a room, too.
const channel = (name) => `chat:${name}`;

function tellLine(name, line) {
  io.to(channel(name)).emit("line", line, name);
}

function tellMembers(name) {
  io.to(channel(name)).emit("members", membersOf(name), name, NODE_NAME);
}

// What the other nodes have of a room; one that does not answer in time is left out.
// The adapter's time begins only when Redis has said how many there are, so there is one of our own beside it.
function others(name) {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, 2 * ANSWER_MS, []);
    io.serverSideEmit("room", name, (error, answers) => {
      clearTimeout(late);
      resolve(answers ?? []);
    });
  });
}

io.on("room", (name, answer) => {
  answer({ node: NODE_NAME, members: membersOf(name), history: rooms.get(name)?.history ?? [] });
});

io.on("rooms", (answer) => {
  answer([...rooms].map(([room, { members }]) => ({ room, members: members.size })));
});

setInterval(() => {
  for (const [name, { members }] of rooms) if (members.size > 0) tellMembers(name);
}, REPEAT_MS).unref();

// ---- the people ----

io.on("connection", (socket) => {
  let place; // {nick, room}
  let turn = Promise.resolve();

  function depart() {
    if (!place) return;
    const { nick, room } = place;
    place = undefined;
    roomOf(room).members.delete(socket.id);
    socket.leave(channel(room));
    tellLine(room, keepLine(room, nick, `${nick} left`, true));
    tellMembers(room);
  }

  async function join(wish) {
    const nick = fitting(wish?.nick, 24);
    const room = fitting(wish?.room, 32);
    if (!nick) return refusal("invalid_nick", "a nickname has 1 to 24 characters");
    if (!room) return refusal("invalid_room", "a room name has 1 to 32 characters");
    // Heard before the others are asked: nothing falls between their answers and the first line.
    socket.join(channel(room));
    const parts = await others(room);
    if (socket.disconnected) return undefined;
    const stays = place?.nick === nick && place.room === room;
    const taken = membersOf(room).includes(nick) || parts.some((part) => part.members.includes(nick));
    if (taken && !stays) {
      if (place?.room !== room) socket.leave(channel(room));
      return refusal("nick_taken", "somebody in this room has that nickname");
    }
    if (!stays) depart();
    socket.join(channel(room));
    const { members, history } = roomOf(room);
    members.set(socket.id, nick);
    const lines = [history, ...parts.map((part) => part.history)].flat();
    const snapshot = {
      nick,
      room,
      node: NODE_NAME,
      history: lines.sort((a, b) => a.id - b.id).slice(-HISTORY),
      members: membersOf(room),
      elsewhere: Object.fromEntries(parts.map((part) => [part.node, part.members])),
    };
    if (!stays) {
      place = { nick, room };
      tellLine(room, keepLine(room, nick, `${nick} joined`, true));
      tellMembers(room);
    }
    return snapshot;
  }

  const answering = (ack) => (typeof ack === "function" ? ack : () => {});

  socket.on("join", (wish, ack) => {
    // One after the other: the answers of the other nodes take time.
    turn = turn.then(() => join(wish)).then(answering(ack), () => answering(ack)(refusal("internal", "failed")));
  });

  socket.on("say", (text, ack) => {
    const said = fitting(text, 2_000);
    if (!place) return answering(ack)(refusal("not_joined", "join a room first"));
    if (!said) return answering(ack)(refusal("invalid_text", "a text has 1 to 2000 characters"));
    const line = keepLine(place.room, place.nick, said, false);
    tellLine(place.room, line);
    return answering(ack)(line);
  });

  socket.on("typing", (on) => {
    if (place) socket.to(channel(place.room)).emit("typing", { nick: place.nick, on: on === true });
  });

  socket.on("disconnect", depart);
});

server.listen(Number(PORT), HOST, () => {
  const { address, port } = server.address();
  console.log(`listening on http://${address}:${port}`);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await io.close();
    publisher.disconnect();
    subscriber.disconnect();
  });
}
