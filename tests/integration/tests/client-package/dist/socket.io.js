/* socket.io.js of a made-up package */
