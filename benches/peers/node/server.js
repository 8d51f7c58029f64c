"use strict";
// The reference with its default options: node server.js --port N
const http = require("node:http");
const { Server } = require("socket.io");

const server = http.createServer();
const io = new Server(server);
io.on("connection", (socket) => {
  socket.on("echo", (payload, ack) => {
    if (typeof ack === "function") ack(payload);
    else socket.emit("echo", payload);
  });
  socket.on("publish", (payload) => io.emit("news", payload));
  socket.on("join", (room, ack) => {
    socket.join(room);
    if (typeof ack === "function") ack();
  });
  socket.on("publish_room", (room, payload) => io.to(room).emit("news", payload));
});
const port = Number(process.argv[process.argv.indexOf("--port") + 1]);
server.listen(port, "127.0.0.1", 4096, () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
