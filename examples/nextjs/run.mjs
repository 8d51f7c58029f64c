// Everything of this example on this machine: the server, and the page under Next.js's dev server.
//
//   node examples/nextjs/run.mjs
//
// Needs Rust and Node.js. `/` asks its own origin, `/direct` the server's. From the environment: PORT of the page, 3000
// if it is not said and 0 for a free one. Ctrl-C ends everything.
import { fileURLToPath } from "node:url";
import { build, example, freePort, packages, start } from "../launch.mjs";

const folder = fileURLToPath(new URL(".", import.meta.url));

example(async () => {
  packages(folder);
  const port = await freePort(Number(process.env.PORT ?? 3000));
  // The server is told which page may ask it directly, and the page where the server is.
  const origin = `http://127.0.0.1:${port}`;
  const server = await start("server", build("nextjs"), [], { env: { PORT: "0", PAGE: origin } });
  const next = ["node_modules/next/dist/bin/next", "dev", "--hostname", "127.0.0.1", "--port", String(port)];
  const env = { SERVER: server, NEXT_TELEMETRY_DISABLED: "1" };
  return start("page", process.execPath, next, { cwd: folder, env });
});
