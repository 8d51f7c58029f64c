// Runs the whole example on this machine: one Redis, two nodes in Rust, one in Node.js, and nginx in front.
//
//   node examples/cluster/run.mjs
//
// Needs redis-server, nginx, Rust and Node.js. From the environment: PORT of the site, 8080 if it is not said and 0
// for a free one; SIO_BIN_DIR, a folder with the program `chat`, which is built otherwise; SIO_REDIS and
// SIO_NGINX, paths of those programs. Ctrl-C ends everything. A program that ends by itself, or is killed to see
// what happens, is started again.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = path.join(here, "../..");
const START_MS = 15_000;
const STOP_MS = 5_000;
const AGAIN_MS = 2_000;

const programs = new Map(); // name -> {child, ended}, in the order of their start
let stopping;
let folder;

function log(name, text) {
  console.log(`${name.padEnd(6)} ${text}`);
}

/** Starts a program; what it says is shown with its name. Resolves with the first line that matches `ready`. */
function start(name, program, args, { env = {}, ready = /^$/ } = {}) {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // Ctrl-C reaches this program alone, which ends the others in order.
    detached: true,
  });
  const ended = new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(code ?? signal));
    child.once("error", (error) => resolve(error.message));
  });
  programs.set(name, { child, ended });
  log(name, `started as process ${child.pid}`);
  return new Promise((resolve, reject) => {
    ended.then((how) => reject(new Error(`${name} ended with ${how}`)));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        const match = ready.exec(line);
        if (match) resolve(match);
        else log(name, line);
      });
    }
  });
}

/** Keeps a program running that has been started once; `again` starts it and resolves when it is usable. */
async function watch(name, again) {
  for (;;) {
    const how = await programs.get(name).ended;
    if (stopping) return;
    log(name, `ended with ${how}`);
    await pause(AGAIN_MS);
    if (stopping) return;
    await again().then(
      () => log(name, "is back"),
      (error) => log(name, error.message),
    );
  }
}

async function within(promise, what, ms = START_MS) {
  const timer = new AbortController();
  const late = pause(ms, undefined, { signal: timer.signal }).then(
    () => Promise.reject(new Error(`${what} within ${ms} ms`)),
    () => {},
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

/** Ends everything in the order of its start, backwards, by process id; nginx first, Redis last. */
function stop(code, why) {
  if (why) console.error(why);
  stopping ??= (async () => {
    for (const [name, { child, ended }] of [...programs].reverse()) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
      child.kill("SIGTERM");
      await within(ended, `${name} does not end`, STOP_MS).catch((error) => {
        console.error(error.message);
        child.kill("SIGKILL");
      });
    }
    if (folder) await rm(folder, { recursive: true, force: true });
    log("all", "stopped");
    process.exit(code);
  })();
  return stopping;
}

async function freePort(wanted = 0) {
  const probe = createServer().listen(wanted, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/** Waits until something takes connections there. */
async function open(name, port) {
  for (const end = Date.now() + START_MS; ; ) {
    const socket = connect(port, "127.0.0.1");
    const done = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (done) return;
    if (Date.now() > end || stopping) throw new Error(`${name} takes no connections`);
    await pause(20);
  }
}

/** Runs a command to its end. */
async function run(program, args, cwd) {
  const child = spawn(program, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}`);
}

/** The packages of the node in Node.js, unless they are there and as new as their list. */
async function packages() {
  const changed = async (file) => (await stat(path.join(here, file)).catch(() => ({ mtimeMs: 0 }))).mtimeMs;
  if ((await changed("node_modules/.package-lock.json")) >= (await changed("package-lock.json"))) return;
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], here);
}

/** The folder of the built chat. */
async function built() {
  if (process.env.SIO_BIN_DIR) return process.env.SIO_BIN_DIR;
  await run("cargo", ["build", "--release", "-p", "chat"], root);
  return path.join(root, process.env.CARGO_TARGET_DIR ?? "target", "release");
}

/** Starts something now, and again whenever it ends. */
async function keep(name, begin) {
  const first = await begin();
  watch(name, () => begin(first));
  return first;
}

async function main() {
  await packages();
  const bin = await built();
  folder = await mkdtemp(path.join(tmpdir(), "sio-cluster-"));
  // The workers of nginx may be another user.
  await chmod(folder, 0o755);

  const redisPort = await keep("redis", async (port) => {
    port ??= await freePort();
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    const quiet = ["--dir", folder, "--loglevel", "warning"];
    const ended = start("redis", process.env.SIO_REDIS ?? "redis-server", [...args, ...quiet]);
    await Promise.race([open("redis", port), ended]);
    return port;
  });

  const node = (name, program, args) =>
    keep(name, async (port = "0") => {
      const env = { HOST: "127.0.0.1", PORT: port, REDIS_URL: `redis://127.0.0.1:${redisPort}`, NODE_NAME: name };
      const ready = /^listening on http:\/\/127\.0\.0\.1:(\d+)$/;
      const [line, found] = await within(start(name, program, args, { env, ready }), `${name}: no address`);
      log(name, line);
      return found;
    });
  const ports = await Promise.all([
    node("rust-1", path.join(bin, "chat"), []),
    node("rust-2", path.join(bin, "chat"), []),
    node("js-1", process.execPath, [path.join(here, "node.mjs")]),
  ]);

  const sitePort = await keep("nginx", async (port) => {
    port ??= await freePort(Number(process.env.PORT ?? 8080));
    await Promise.race([open("nginx", port), nginx(port, ports)]);
    return port;
  });
  // Only from here on it can be used; whoever waits for this line may begin.
  console.log(`listening on http://127.0.0.1:${sitePort}`);
}

/** The configuration of this example, with other ports and a folder of its own to write to. */
async function nginx(sitePort, ports) {
  let text = await readFile(path.join(here, "nginx.conf"), "utf8");
  ["rust-1:3000", "rust-2:3000", "js-1:3000"].forEach((written, index) => {
    text = text.replace(written, `127.0.0.1:${ports[index]}`);
  });
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const temporary = kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join("\n");
  text = text.replace(/^http \{$/m, `http {\n${temporary}\naccess_log off;`);
  await writeFile(path.join(folder, "nginx.conf"), text);
  const site = path.join(root, "docs/operations/nginx/site.conf");
  const shared = await readFile(site, "utf8");
  await writeFile(path.join(folder, "site.conf"), shared.replace("listen 8080;", `listen 127.0.0.1:${sitePort};`));
  const user = process.getuid() === 0 ? "user root; " : "";
  const global = `${user}daemon off; pid ${folder}/nginx.pid; error_log stderr warn;`;
  const program = process.env.SIO_NGINX ?? "nginx";
  return start("nginx", program, ["-p", folder, "-c", path.join(folder, "nginx.conf"), "-g", global]);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop(0));
main().catch((error) => stop(1, error.message));
