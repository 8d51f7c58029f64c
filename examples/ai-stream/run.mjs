// Everything of this example on this machine: the server, the page under Vite's dev server, nginx if there is one.
//
//   node examples/ai-stream/run.mjs
//
// Needs Rust and Node.js. From the environment: PORT of nginx, 8080 if it is not said and 0 for a free one; AI_TOKEN,
// AI_URL, AI_KEY, AI_MODEL for the server. Ctrl-C ends everything.
import { fileURLToPath } from "node:url";
import { build, example, freePort, nginx, start, vite } from "../launch.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

example(async () => {
  const server = await start("server", build("ai-stream"), [], { env: { PORT: "0" } });
  const page = await vite(here("web"), { port: await freePort(), env: { SERVER: server } });
  const port = await freePort(Number(process.env.PORT ?? 8080));
  const site = await nginx(here("nginx.conf"), { port, server, page });
  if (!site) console.log("nginx   is not installed: the page works without");
  return site ?? page;
});
