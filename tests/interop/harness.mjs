// Starts the interop server, opens clients, and waits with deadlines.
//
// Environment: SIO_REFERENCE=1 runs reference-server.mjs, otherwise SIO_SERVER (a path) or SIO_BIN_DIR/interop-server.
// An example is SIO_BIN_DIR/its name, and takes its port from PORT.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { NodeWebSocket, NodeXHR } from "engine.io-client";
import { Manager } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";
import WebSocket from "ws";

/** Longest wait for one event; only a failing test waits that long. */
export const DEADLINE = 5000;
const TEST_DEADLINE = 30000;
const STOP_DEADLINE = 10000;
/** Restart tests pick their port here: below the range the system hands out to others. */
const PORTS = { from: 20000, to: 30000 };

export const REFERENCE = process.env.SIO_REFERENCE === "1";
export const MODES = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
};

function command(flags) {
  if (REFERENCE) {
    const script = fileURLToPath(new URL("reference-server.mjs", import.meta.url));
    return [process.execPath, [script, ...flags]];
  }
  const { SIO_SERVER, SIO_BIN_DIR } = process.env;
  assert.ok(SIO_SERVER || SIO_BIN_DIR, "set SIO_SERVER, SIO_BIN_DIR or SIO_REFERENCE=1");
  return [SIO_SERVER || path.join(SIO_BIN_DIR, "interop-server"), flags];
}

/** Rejects when `promise` has not settled in time; `seen` describes what happened instead. */
export async function within(promise, what, { ms = DEADLINE, seen = () => "" } = {}) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${ms} ms${seen()}`)), ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** One process of the program under test; with `example`, of that program. */
export class TestServer {
  constructor(flags = {}, example) {
    this.flags = flags;
    this.example = example;
    this.port = 0;
  }

  command() {
    if (this.example !== undefined) return [path.join(process.env.SIO_BIN_DIR, this.example), []];
    const flags = Object.entries({ ...this.flags, port: this.port });
    return command(flags.flatMap(([name, value]) => [`--${name}`, String(value)]));
  }

  /** Starts the process; after a stop on the port it had before. */
  async start() {
    const [program, args] = this.command();
    const env = { ...process.env, PORT: String(this.port) };
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    this.child = child;
    this.stderr = "";
    child.stderr.on("data", (chunk) => (this.stderr += chunk));
    this.exited = new Promise((resolve) => {
      child.once("exit", resolve);
      child.once("error", resolve);
    });
    const ready = new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).once("line", resolve);
      this.exited.then((end) => reject(new Error(`${program} ended: ${end}\n${this.stderr}`)));
    });
    const line = await within(ready, "line `listening on`", { seen: () => `\n${this.stderr}` });
    const [, url, port] = line.match(/^listening on (http:\/\/127\.0\.0\.1:(\d+))$/) ?? [];
    assert.ok(url, `unexpected first line: ${line}`);
    this.url = url;
    this.port = Number(port);
  }

  /** Ends the process, and says how it ended: exit status, or null for a signal. */
  async stop(signal = "SIGTERM") {
    const { child } = this;
    if (child === undefined) return undefined;
    this.child = undefined;
    const alive = child.exitCode === null && child.signalCode === null;
    assert.ok(alive, `server ended by itself: ${child.exitCode ?? child.signalCode}\n${this.stderr}`);
    child.kill(signal);
    try {
      return await within(this.exited, `end after ${signal}`, { ms: STOP_DEADLINE });
    } finally {
      child.kill("SIGKILL");
    }
  }

  get(pathAndQuery) {
    return fetch(this.url + pathAndQuery, { signal: AbortSignal.timeout(DEADLINE) });
  }

  /** Emits through the HTTP route of the program. */
  async emit({ ns, room, event, data }) {
    const query = new URLSearchParams({ event });
    if (ns !== undefined) query.set("ns", ns);
    if (room !== undefined) query.set("room", room);
    if (data !== undefined) query.set("data", JSON.stringify(data));
    const response = await this.get(`/emit?${query}`);
    assert.equal(response.status, 204);
  }

  /** What the server recorded about the end of one socket. */
  async disconnects(id) {
    return (await this.get(`/disconnects?id=${encodeURIComponent(id)}`)).json();
  }
}

/** A group of tests against one server process, repeated for one and for two workers. */
export function suite(name, { flags = {}, workers = [1, 2], ownServer = false } = {}, body) {
  for (const count of REFERENCE ? [1] : workers) {
    describe(`${name}, workers ${count}`, () => {
      const server = new TestServer({ ...flags, workers: count });
      if (!ownServer) before(() => server.start());
      after(async () => assert.ok([0, undefined].includes(await server.stop()), "orderly end"));
      body(server, (title, run) => test(title, { timeout: TEST_DEADLINE }, run));
    });
  }
}

/** The same test once per way of transport; `run` gets the name of the mode last. */
export function inModes(define, title, run, modes = Object.keys(MODES)) {
  for (const mode of modes) define(`${title} [${mode}]`, (t) => run(t, mode));
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

const histories = new WeakMap();

/** What a client socket went through, for the text of a failure. */
function seen(emitter) {
  const lines = histories.get(emitter);
  return lines === undefined ? "" : `; seen:\n  ${lines.slice(-20).join("\n  ") || "nothing"}`;
}

function keepHistory(socket) {
  const lines = [];
  const note = (...parts) => lines.push(parts.join(" ").slice(0, 200));
  histories.set(socket, lines);
  socket.on("connect", () => note("connect", socket.id));
  socket.on("connect_error", (error) => note("connect_error", error.message));
  socket.on("disconnect", (reason) => note("disconnect", reason));
  socket.onAny((event, ...args) => note(event, JSON.stringify(args)));
}

/** A connection of the official client that is closed at the end of the test. */
export function manager(t, server, { mode = "websocket", ...options } = {}) {
  const result = new Manager(server.url, {
    transports: MODES[mode],
    reconnection: false,
    reconnectionDelay: 10,
    reconnectionDelayMax: 50,
    randomizationFactor: 0,
    ...(server.flags.msgpack === 1 ? { parser: msgpack } : {}),
    ...options,
  });
  t.after(() => result._close());
  return result;
}

/** A socket of a namespace on that connection; it connects by itself. */
export function socketOf(connection, ns = "/", options = {}) {
  const socket = connection.socket(ns, options);
  keepHistory(socket);
  return socket;
}

/** A connection like `upgrade` whose probe waits for `open`, so that a test decides when the transport changes. */
export function gatedManager(t, server) {
  let open;
  const gate = new Promise((resolve) => (open = resolve));
  class GatedWebSocket extends NodeWebSocket {
    doOpen() {
      gate.then(() => super.doOpen());
    }
  }
  return { connection: manager(t, server, { transports: [NodeXHR, GatedWebSocket] }), open };
}

/** A connected client with a connection of its own; in mode `upgrade` it has already upgraded, unless `settle` is false. */
export async function connect(t, server, { ns = "/", auth, settle = true, ...options } = {}) {
  const socket = socketOf(manager(t, server, options), ns, { auth });
  await connected(socket);
  if (settle && options.mode === "upgrade") await upgraded(socket);
  return socket;
}

/** Resolves once the socket is connected; a refusal ends the wait unless the client tries again by itself. */
export async function connected(socket) {
  if (socket.connected) return;
  const refused = new Promise((_, reject) => {
    if (!socket.io.reconnection()) socket.once("connect_error", reject);
  });
  await Promise.race([next(socket, "connect"), refused]);
}

export async function upgraded(socket) {
  const { engine } = socket.io;
  if (engine.transport.name !== "websocket") await next(engine, "upgrade");
}

/** The next event of that name for which `where` holds: its arguments. Listens from the call on. */
export function next(emitter, event, { where = () => true, ms = DEADLINE } = {}) {
  let listener;
  const arrived = new Promise((resolve) => {
    listener = (...args) => where(...args) && resolve(args);
    emitter.on(event, listener);
  });
  const result = within(arrived, `event ${event}`, { ms, seen: () => seen(emitter) });
  const stop = () => emitter.off(event, listener);
  result.then(stop, stop);
  return result;
}

/** Collects the first argument of every event of that name. */
export function collect(socket, event) {
  const values = [];
  const waiting = [];
  const check = () => waiting.forEach((wake) => wake());
  socket.on(event, (value) => {
    values.push(value);
    check();
  });
  const until = (holds, what) => {
    const reached = new Promise((resolve) => {
      waiting.push(() => holds() && resolve(values));
      check();
    });
    return within(reached, what, { seen: () => `, only ${values.length}${seen(socket)}` });
  };
  return {
    values,
    reach: (n) => until(() => values.length >= n, `${n} events ${event}`),
    find: async (match) => (await until(() => values.some(match), `such ${event}`)).find(match),
  };
}

/** Emits and resolves with all arguments of the ack. */
export function call(socket, event, ...args) {
  const answered = new Promise((resolve, reject) => {
    socket.timeout(DEADLINE).emit(event, ...args, (error, ...values) => {
      if (error) reject(new Error(`no ack of ${event}: ${error.message}${seen(socket)}`));
      else resolve(values);
    });
  });
  answered.catch(() => {});
  return answered;
}

/** Emits and resolves with the only argument of the ack. */
export async function ask(socket, event, ...args) {
  const values = await call(socket, event, ...args);
  assert.equal(values.length, 1, `ack of ${event} has one argument`);
  return values[0];
}

/** A round trip: everything the server sent to this socket before has arrived afterwards. */
export async function fence(...sockets) {
  await Promise.all(sockets.map((socket) => call(socket, "ack-none")));
}

/** Follows the records of disconnected sockets. */
export async function watch(t, server) {
  const socket = await connect(t, server, { ns: "/watch" });
  const gone = collect(socket, "gone");
  const asked = collect(socket, "asked");
  return {
    asked: (id) => asked.find((result) => result.id === id),
    /** The two records of a socket, once both are there, as the HTTP route reports them. */
    async records(id) {
      await gone.find((record) => record.id === id && record.stage === "disconnect");
      const records = await server.disconnects(id);
      assert.deepEqual(records, gone.values.filter((record) => record.id === id));
      return records;
    },
    async reason(id) {
      const [first, second] = await this.records(id);
      assert.equal(first.stage, "disconnecting");
      assert.equal(second.stage, "disconnect");
      assert.equal(first.reason, second.reason);
      return second.reason;
    },
  };
}

/** A long-polling session without the official client: literal payloads, no pong. */
export async function rawPolling(server) {
  const base = `/socket.io/?EIO=4&transport=polling`;
  const handshake = JSON.parse((await (await server.get(base)).text()).slice(1));
  const url = `${server.url}${base}&sid=${handshake.sid}`;
  const push = async (body) => (await fetch(url, { method: "POST", body })).status;
  const poll = async ({ signal = AbortSignal.timeout(DEADLINE) } = {}) => {
    const response = await fetch(url, { signal });
    return { status: response.status, packets: (await response.text()).split("\x1e") };
  };
  return { handshake, push, poll };
}

/** A WebSocket without the official client: literal frames, no pong. `sid` makes it an upgrade request. */
export async function rawWebSocket(t, server, { sid } = {}) {
  const url = `${server.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`;
  const socket = new WebSocket(sid === undefined ? url : `${url}&sid=${sid}`);
  t.after(() => socket.terminate());
  const frames = [];
  const waiting = [];
  socket.on("message", (data, isBinary) => {
    frames.push(isBinary ? data : data.toString());
    waiting.shift()?.();
  });
  let read = 0;
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const opened = new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.on("error", reject);
  });
  await within(opened, "open websocket");
  return {
    socket,
    send: (text) => socket.send(text),
    /** The next frame, in order. */
    async frame() {
      if (read === frames.length) await within(new Promise((wake) => waiting.push(wake)), "frame");
      return frames[read++];
    },
    /** The status code of the end. */
    closed: () => within(closed, "close"),
  };
}

/** Joins a namespace on a raw connection and returns the socket id. */
export function joinedId(packet, ns = "/") {
  const prefix = ns === "/" ? "40" : `40${ns},`;
  assert.ok(packet?.startsWith(prefix), `CONNECT answer of ${ns}, got ${packet}`);
  return JSON.parse(packet.slice(prefix.length)).sid;
}
