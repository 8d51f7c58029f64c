import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The page asks the server directly, as a page of another origin: the server names this one in its CORS options.
export default defineConfig({
  plugins: [react()],
  define: { SERVER: JSON.stringify(process.env.SERVER ?? "http://127.0.0.1:4567") },
  server: { host: "127.0.0.1" },
});
