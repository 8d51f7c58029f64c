// Clients of the nodes, and what they saw.
import assert from "node:assert/strict";
import { Manager } from "socket.io-client";
import { DEADLINE, within } from "./waits.mjs";

const histories = new WeakMap();

/** What a client went through, for the text of a failure. */
function seen(socket) {
  const lines = histories.get(socket) ?? [];
  return `; seen:\n  ${lines.slice(-20).join("\n  ") || "nothing"}`;
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

/** A socket of the official client that connects by itself and goes with the test. */
export function open(t, url, { ns = "/", transport = "websocket", auth, ...options } = {}) {
  const manager = new Manager(url, {
    transports: [transport],
    reconnection: false,
    reconnectionDelay: 10,
    reconnectionDelayMax: 50,
    randomizationFactor: 0,
    ...options,
  });
  t.after(() => manager._close());
  const socket = manager.socket(ns, { auth });
  keepHistory(socket);
  return socket;
}

/** The same, connected. */
export async function connect(t, node, options) {
  const socket = open(t, node.url, options);
  await connected(socket);
  return socket;
}

export async function connected(socket) {
  if (!socket.connected) await next(socket, "connect");
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
  let wake = () => {};
  socket.on(event, (value) => {
    values.push(value);
    wake();
  });
  const reach = (holds, what) => {
    const reached = new Promise((resolve) => {
      wake = () => holds() && resolve(values);
      wake();
    });
    const text = () => `, only ${values.length}${seen(socket)}`;
    return within(reached, what, { seen: text });
  };
  return {
    values,
    reach: (n) => reach(() => values.length >= n, `${n} events ${event}`),
    find: (value) => reach(() => values.includes(value), `event ${event} with ${value}`),
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
  assert.equal(values.length, 1, `ack of ${event} has one argument: ${JSON.stringify(values)}`);
  return values[0];
}

let fences = 0;

/** What the node of `from` said to everybody before has arrived at all of `sockets` afterwards. */
export async function fence(from, ...sockets) {
  fences += 1;
  const token = `fence ${fences}`;
  const arrived = sockets.map((socket) => next(socket, "fence", { where: (value) => value === token }));
  from.emit("all", "fence", token);
  await Promise.all(arrived);
}
