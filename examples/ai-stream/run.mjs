// Everything of this example on this machine: the server, the page under Vite's dev server, nginx if there is one.
//
//   node examples/ai-stream/run.mjs
//
// Needs Rust and Node.js. From the environment: PORT of nginx, 8080 if it is not said and 0 for a free one; AI_TOKEN,
// AI_URL, AI_KEY, AI_MODEL for the server; SIO_BIN_DIR, a folder with the program `ai-stream`, which is built
// otherwise; SIO_NGINX, the path of nginx. Ctrl-C ends everything.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = path.join(here, "../..");
const web = path.join(here, "web");
const children = [];

/** Starts a program; resolves with the address in the first line that has one. */
function start(name, program, args, options = {}) {
  // Ctrl-C reaches this program alone, which ends the others.
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], detached: true, ...options });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => reject(new Error(`${name} ended with ${code ?? signal}`)));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        // eslint-disable-next-line no-control-regex
        const address = /http:\/\/[\w.]+:\d+/.exec(line.replace(/\u001b\[\d+m/g, ""));
        if (address) resolve(address[0]);
        else console.log(`${name.padEnd(7)} ${line}`);
      });
    }
  });
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function stop(code) {
  for (const child of children.reverse()) {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
  }
  process.exit(code);
}

function run(program, args, cwd) {
  const { status, error } = spawnSync(program, args, { cwd, stdio: "inherit" });
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(" ")} failed`);
}

async function main() {
  const bin = process.env.SIO_BIN_DIR ?? path.join(root, "target/release");
  if (!process.env.SIO_BIN_DIR) run("cargo", ["build", "--release", "-p", "ai-stream"], root);
  if (!existsSync(path.join(web, "node_modules/vite"))) run("npm", ["install", "--no-audit", "--no-fund"], web);
  const server = await start("server", path.join(bin, "ai-stream"), [], { env: { ...process.env, PORT: "0" } });
  const vite = path.join(web, "node_modules/vite/bin/vite.js");
  const args = [vite, "--port", String(await freePort()), "--strictPort"];
  const page = await start("vite", process.execPath, args, { cwd: web, env: { ...process.env, SERVER: server } });
  console.log(`server  ${server}\npage    ${page}`);

  const nginx = process.env.SIO_NGINX ?? "nginx";
  if (spawnSync(nginx, ["-v"]).error) return console.log("nginx   is not installed: the page works without");
  const folder = await mkdtemp(path.join(tmpdir(), "ai-stream-"));
  process.once("exit", () => spawnSync("rm", ["-r", folder]));
  const port = Number(process.env.PORT ?? 8080) || (await freePort());
  const values = { folder, port, server, page };
  const text = await readFile(path.join(here, "nginx.conf"), "utf8");
  await writeFile(path.join(folder, "nginx.conf"), text.replace(/\{(folder|port|server|page)\}/g, (_, name) => values[name]));
  const child = spawn(nginx, ["-c", path.join(folder, "nginx.conf"), "-p", folder], { stdio: "inherit", detached: true });
  children.push(child);
  child.once("exit", (code) => code && stop(1));
  console.log(`nginx   http://127.0.0.1:${port}`);
}

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop(0));
main().catch((error) => {
  console.error(error.message);
  stop(1);
});
