// Programs on free ports: nodes, and the proxies with the configurations of docs/operations.
//
// SIO_BIN_DIR names the folder of built programs; SIO_NGINX and SIO_HAPROXY may name those programs.
// Every wait has a deadline, and everything that is started is ended by its process id.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { Agent } from "node:http";
import { connect as dial, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";

/** Longest wait for one event; only a failing test waits that long. */
export const DEADLINE = 10_000;
/** Below the range the system hands out to others. */
const PORTS = { from: 20_000, to: 30_000 };
const CONFIGURATIONS = fileURLToPath(new URL("../../docs/operations/", import.meta.url));
/** The ports that stand in the files. */
const WRITTEN = { site: "8080", nodes: ["127.0.0.1:3001", "127.0.0.1:3002"] };

/** The ways of a client. */
export const MODES = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
};

const running = new Set();
let halls = 0;
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Rejects when `promise` has not settled in time. */
export async function within(promise, what, ms = DEADLINE) {
  const timer = new AbortController();
  const late = pause(ms, undefined, { signal: timer.signal }).then(
    () => Promise.reject(new Error(`no ${what} within ${ms} ms`)),
    () => {},
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

/** A process that is ended by its id; `output` is what it has said. */
export function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  running.add(child);
  const result = { child, output: "", lines: [] };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk) => (result.output += chunk));
  }
  result.ended = new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(code ?? signal));
    child.once("error", (error) => resolve(error.message));
  });
  result.ended.then(() => running.delete(child));
  /** Asks the process to end; says how it ended: exit status or signal. */
  result.stop = async (signal = "SIGTERM") => {
    child.kill(signal);
    try {
      return await within(result.ended, `end of ${program}`);
    } finally {
      child.kill("SIGKILL");
    }
  };
  return result;
}

/** Waits until the output has something that matches. */
export async function said(program, pattern, ms = DEADLINE) {
  let ended;
  program.ended.then((how) => (ended = how));
  const end = Date.now() + ms;
  for (;;) {
    const found = pattern.exec(program.output);
    if (found) return found;
    if (ended !== undefined) throw new Error(`ended with ${ended}:\n${program.output}`);
    if (Date.now() > end) throw new Error(`no ${pattern} within ${ms} ms:\n${program.output}`);
    await pause(10);
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

/** One chat program, named so that its answers tell which it is. */
export async function startNode(name, env = {}) {
  const { SIO_BIN_DIR } = process.env;
  assert.ok(SIO_BIN_DIR, "set SIO_BIN_DIR, or run `cargo xtask test --only proxies`");
  const settings = { ...process.env, PORT: "0", NODE_NAME: name, ...env };
  const node = start(path.join(SIO_BIN_DIR, "chat"), [], { env: settings });
  const [, address] = await said(node, /^listening on http:\/\/(\S+)$/m);
  return { ...node, name, address, stop: node.stop };
}

/**
 * Runs a proxy in front of two nodes with `docs/operations/<kind>/<file>`: only ports and, for nginx, the
 * folders it writes to are changed; `change` may spoil the text on purpose.
 */
export async function startProxy(t, kind, file, nodes, { change = (text) => text } = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), "sio-proxy-"));
  // The workers of nginx may be another user than the one who runs the test.
  await chmod(folder, 0o755);
  t.after(() => rm(folder, { recursive: true, force: true }));
  // Between the choice of a port and its use somebody else may take it.
  for (let tries = 1; ; tries += 1) {
    const port = await unusedPort();
    const proxy = await run(kind, folder, file, port, nodes, change);
    if (await answers(proxy, port)) {
      t.after(() => proxy.stop());
      return { ...proxy, url: `http://127.0.0.1:${port}` };
    }
    await proxy.stop();
    if (tries === 3) throw new Error(`${kind} does not start:\n${proxy.output}`);
  }
}

async function run(kind, folder, file, port, nodes, change) {
  const source = path.join(CONFIGURATIONS, kind);
  for (const name of await readdir(source)) {
    let text = change(await readFile(path.join(source, name), "utf8"));
    WRITTEN.nodes.forEach((written, index) => {
      text = text.replaceAll(written, nodes[index].address);
    });
    text = text
      .replace(`listen ${WRITTEN.site};`, `listen 127.0.0.1:${port};`)
      .replace(`bind :${WRITTEN.site}`, `bind 127.0.0.1:${port}`)
      .replace(/^http \{$/m, `http {\n${nginxFolders(folder)}`);
    await writeFile(path.join(folder, name), text);
  }
  const config = path.join(folder, file);
  if (kind === "haproxy") return start(process.env.SIO_HAPROXY ?? "haproxy", ["-db", "-f", config]);
  const user = process.getuid() === 0 ? "user root; " : "";
  const global = `${user}daemon off; pid ${folder}/nginx.pid; error_log stderr warn;`;
  const nginx = start(program("SIO_NGINX", "nginx"), ["-p", folder, "-c", config, "-g", global]);
  return nginx;
}

/** The path of a program; administrators' programs are not in everybody's search path. */
function program(variable, name) {
  return process.env[variable] ?? `/usr/sbin/${name}`;
}

function nginxFolders(folder) {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const lines = kinds.map((kind) => `  ${kind}_temp_path ${folder}/${kind};`);
  return [...lines, "  access_log off;"].join("\n");
}

/** Whether the proxy takes connections before it ends. */
async function answers(proxy, port) {
  let ended = false;
  proxy.ended.then(() => (ended = true));
  const end = Date.now() + DEADLINE;
  while (!ended && Date.now() < end) {
    const socket = dial(port, "127.0.0.1");
    const connected = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) {
      // Of two programs on one port the second ends; it is given the time to.
      await pause(50);
      return !ended;
    }
    await pause(10);
  }
  return false;
}

/**
 * Opens a client that comes from an address of its own and joins the chat.
 * Resolves to what happened: `{ node, transport }`, or `{ failed }` with the reason.
 */
export async function visit(t, url, number, { mode, cookies = false }) {
  const agent = new Agent({ keepAlive: true, localAddress: `127.0.${number}.1` });
  const socket = io(url, {
    transports: MODES[mode],
    withCredentials: cookies,
    reconnection: false,
    forceNew: true,
    agent,
  });
  t.after(() => {
    socket.disconnect();
    agent.destroy();
  });
  // The upgrade may be over before the namespace is joined.
  const settled = new Promise((resolve) => {
    socket.io.engine.once("upgrade", resolve);
    socket.io.engine.once("upgradeError", resolve);
  });
  try {
    const failed = new Promise((_, reject) => {
      socket.on("connect_error", (error) => reject(new Error(reason(error))));
      socket.on("disconnect", (why) => reject(new Error(why)));
    });
    failed.catch(() => {});
    if (!socket.connected) await within(Promise.race([once(socket, "connect"), failed]), "connect");
    if (mode === "upgrade") await within(Promise.race([settled, failed]), "end of the upgrade");
    // A room of its own: who was there in an earlier test may not have left it yet.
    const wish = { nick: "visitor", room: `hall ${(halls += 1)}` };
    const answer = await within(Promise.race([socket.emitWithAck("join", wish), failed]), "answer");
    // A second round trip: not only the first requests found their way.
    const line = await within(Promise.race([socket.emitWithAck("say", "hello"), failed]), "line");
    assert.equal(line.text, "hello");
    return { node: answer.node, transport: socket.io.engine.transport.name };
  } catch (error) {
    return { failed: error.message };
  }
}

function reason(error) {
  const status = error.context?.status ?? error.description;
  const words = error.context?.responseText ?? "";
  return `${error.message} ${typeof status === "number" ? status : ""} ${words}`.trim();
}

/** Twelve clients at once. */
export function visits(t, url, options) {
  const numbers = Array.from({ length: 12 }, (_, index) => index + 1);
  return Promise.all(numbers.map((number) => visit(t, url, number, options)));
}
