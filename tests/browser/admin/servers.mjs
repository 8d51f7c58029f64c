// Instrumented servers, ours and the reference, and the Redis between them.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { binary, startServer } from "../harness.mjs";
import { PAGE } from "./known.mjs";

const NODE_SERVER = fileURLToPath(new URL("node-server.mjs", import.meta.url));
/** Below the range the system hands out by itself. */
const PORTS = { from: 20_000, to: 30_000 };

/** Which servers the tests run against; the reference proves the tests, alone where there is nothing else. */
export const KINDS = process.env.SIO_REFERENCE === "1" ? ["reference"] : ["reference", "sio"];

/** Program H of that kind, with flags that both know. */
export function startInstrumented(kind, { port = 0, flags = [] } = {}) {
  const args = ["--port", String(port), ...flags];
  return kind === "reference"
    ? startServer(process.execPath, { args: [NODE_SERVER, ...args] })
    : startServer(binary("instrumented"), { args: [...args, "--page", PAGE] });
}

/** A Redis with nothing in it. */
export async function startRedis() {
  const folder = await mkdtemp(path.join(tmpdir(), "sio-admin-"));
  const program = process.env.SIO_REDIS || "redis-server";
  for (;;) {
    const port = await unusedPort();
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
    const ready = (output) =>
      /Ready to accept connections/.test(output) ? `redis://127.0.0.1:${port}` : undefined;
    try {
      const { url, stop } = await startServer(program, { args, ready });
      return { url, stop: () => stop().finally(() => rm(folder, { recursive: true, force: true })) };
    } catch (error) {
      // Somebody was quicker.
      if (!/in use/.test(error.message)) throw error;
    }
  }
}

/** A port that nobody uses now and that the system does not give away by itself. */
export async function unusedPort() {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    const probe = createServer().listen(port, "127.0.0.1");
    try {
      await once(probe, "listening");
    } catch {
      continue;
    }
    probe.close();
    await once(probe, "close");
    return port;
  }
}
