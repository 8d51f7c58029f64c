// What the examples' `run.mjs` share: building, installing, and programs that end together.
//
// Each of them prints `listening on http://…` last: the address to open. From the environment: SIO_BIN_DIR, a folder
// with the built programs, which are built otherwise; SIO_NGINX, the path of nginx.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const START_MS = 60_000;
const STOP_MS = 5_000;
const running = new Map(); // child -> its end
const folders = [];
let stopping;

/** Runs an example. When something fails or ends, or Ctrl-C is pressed, everything that it started ends. */
export function example(main) {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop(0));
  main().then(
    (address) => stopping || console.log(`listening on ${address}`),
    (error) => stop(1, error.message),
  );
}

function stop(code, why) {
  if (why && !stopping) console.error(why);
  stopping ??= (async () => {
    for (const child of running.keys()) child.kill("SIGTERM");
    const late = new AbortController();
    const all = Promise.all(running.values());
    await Promise.race([all, pause(STOP_MS, undefined, late).catch(() => {})]);
    late.abort();
    for (const child of running.keys()) child.kill("SIGKILL");
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    process.exit(code);
  })();
  return stopping;
}

/** The path of a program of this workspace, built. */
export function build(name) {
  if (process.env.SIO_BIN_DIR) return path.join(process.env.SIO_BIN_DIR, name);
  run("cargo", ["build", "--release", "-p", name], root);
  return path.join(root, process.env.CARGO_TARGET_DIR ?? "target", "release", name);
}

/** Installs the npm packages of a folder, unless they are there and as new as their list. */
export function packages(folder) {
  const changed = (file) => statSync(path.join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (changed("node_modules/.package-lock.json") >= changed("package-lock.json")) return;
  run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder);
}

function run(program, args, cwd) {
  const { status, error } = spawnSync(program, args, { cwd, stdio: "inherit" });
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(" ")} failed`);
}

/** Starts a program and shows what it says; resolves with the first address in that. */
export function start(name, program, args = [], { cwd = root, env = {} } = {}) {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // Ctrl-C reaches this program alone, which ends the others.
    detached: true,
  });
  const ended = new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(`${name} ended with ${code ?? signal}`));
    child.once("error", (error) => resolve(`${name}: ${error.message}`));
  });
  running.set(child, ended);
  ended.then((how) => {
    running.delete(child);
    stop(1, how);
  });
  const late = setTimeout(() => stop(1, `${name} is not there after ${START_MS} ms`), START_MS);
  return new Promise((resolve) => {
    const read = (text) => {
      const line = stripVTControlCharacters(text).trim();
      if (line) console.log(`${name.padEnd(7)} ${line}`);
      const address = /https?:\/\/[\w.]+:\d+/.exec(line)?.[0];
      if (address) resolve(address);
    };
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", read);
  }).finally(() => clearTimeout(late));
}

/** Starts Vite's dev server for the page in a folder. */
export function vite(folder, { port, env }) {
  packages(folder);
  const program = path.join(folder, "node_modules/vite/bin/vite.js");
  const args = [program, "--port", String(port), "--strictPort", "--clearScreen", "false"];
  return start("page", process.execPath, args, { cwd: folder, env });
}

/** Starts nginx with a configuration in which `{name}` stands for a value; `undefined` if it is not installed. */
export async function nginx(file, { port, ...values }) {
  const program = process.env.SIO_NGINX ?? "nginx";
  if (spawnSync(program, ["-v"]).error) return undefined;
  const folder = mkdtempSync(path.join(tmpdir(), "sio-example-"));
  folders.push(folder);
  // The workers of nginx may be another user.
  chmodSync(folder, 0o755);
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const writes = kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join("\n");
  const text = readFileSync(file, "utf8")
    .replace(/\{(\w+)\}/g, (all, name) => ({ port, ...values })[name] ?? all)
    .replace(/^http \{$/m, `http {\n${writes}\naccess_log off;`);
  writeFileSync(path.join(folder, "nginx.conf"), text);
  const user = process.getuid() === 0 ? "user root; " : "";
  const global = `${user}daemon off; pid ${folder}/nginx.pid; error_log stderr warn;`;
  // It says nothing when all is well.
  start("nginx", program, ["-p", folder, "-c", path.join(folder, "nginx.conf"), "-e", "stderr", "-g", global]);
  while (!(await takesConnections(port))) await pause(20);
  return `http://127.0.0.1:${port}`;
}

async function takesConnections(port) {
  const socket = connect(port, "127.0.0.1");
  const connected = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}

/** A port that nobody uses now, or the wanted one. */
export async function freePort(wanted = 0) {
  const probe = createServer().listen(wanted, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}
