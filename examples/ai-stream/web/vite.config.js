import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const server = process.env.SERVER ?? "http://127.0.0.1:3000";

export default defineConfig({
  plugins: [react()],
  server: {
    host: "127.0.0.1",
    proxy: {
      // The path of the transport, not the namespace: `/chat` never stands in a URL.
      // `ws` passes the upgrade on. What the server says is not collected either way: each word is a message of its
      // own, and a poll is answered when there is one.
      "/socket.io": { target: server, ws: true, xfwd: true },
    },
  },
});
