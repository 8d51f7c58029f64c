"use strict";
// One node of the reference: node server.js --port N --redis URL --mode classic|sharded
const http = require("node:http");
const { Server } = require("socket.io");
const { createAdapter, createShardedAdapter } = require("@socket.io/redis-adapter");
const { createClient } = require("redis");

function flag(name) {
  return process.argv[process.argv.indexOf(name) + 1];
}

async function main() {
  const pub = createClient({ url: flag("--redis") });
  const sub = pub.duplicate();
  await Promise.all([pub.connect(), sub.connect()]);
  const create = flag("--mode") === "sharded" ? createShardedAdapter : createAdapter;
  const server = http.createServer();
  const io = new Server(server, { adapter: create(pub, sub) });
  io.on("connection", (socket) => {
    socket.on("publish", (payload) => io.emit("news", payload));
    socket.on("join", (room, ack) => {
      socket.join(room);
      if (typeof ack === "function") ack();
    });
    socket.on("publish_room", (room, payload) => io.to(room).emit("news", payload));
  });
  server.listen(Number(flag("--port")), "127.0.0.1", 4096, () => console.log("listening"));
}

main();
