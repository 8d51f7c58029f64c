// The server, and the page under Vite's dev server.
//
//   node examples/progress/run.mjs
//
// Needs Rust and Node.js. From the environment: PORT of the page, 5173 if it is not said and 0 for a free one.
// Ctrl-C ends both.
import { fileURLToPath } from "node:url";
import { build, example, freePort, start, vite } from "../launch.mjs";

const web = fileURLToPath(new URL("web", import.meta.url));

example(async () => {
  const port = await freePort(Number(process.env.PORT ?? 5173));
  const PAGE = `http://127.0.0.1:${port}`;
  const server = await start("server", build("progress"), [], { env: { PORT: "0", PAGE } });
  return vite(web, { port, env: { SERVER: server } });
});
