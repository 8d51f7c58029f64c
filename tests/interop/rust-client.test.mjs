// The client in Rust against the official server; the test itself is `sio-client/tests/client/reference.rs`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { REFERENCE, TestServer } from "./harness.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const missing = REFERENCE || !process.env.SIO_BIN_DIR;

class ReferenceServer extends TestServer {
  command() {
    return [process.execPath, [path.join(here, "reference-server.mjs"), "--port", String(this.port)]];
  }
}

/** Cargo may have to build the test first. */
const PATIENCE = 540_000;

test("the client in Rust and the official server", { skip: missing && "needs the workspace" }, async (t) => {
  const server = new ReferenceServer();
  await server.start();
  t.after(() => server.stop());
  const args = "test -p sio-client --test client -- --ignored --exact";
  const child = spawn("cargo", [...args.split(" "), "reference::the_official_server_understands_us"], {
    cwd: path.join(here, "../.."),
    env: { ...process.env, SIO_REFERENCE_URL: server.url },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: PATIENCE,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const status = await new Promise((resolve, reject) => {
    child.once("close", resolve);
    child.once("error", reject);
  });
  assert.equal(status, 0, output);
  assert.match(output, /1 passed/, output);
});
