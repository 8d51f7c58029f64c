// Official clients: those that a server has, and one that speaks as the Admin page does.
import { Manager } from "socket.io-client";
import { expectEventually } from "../harness.mjs";
import { PASSWORD, USER } from "./known.mjs";

/** Longest wait for one thing; only a failing test waits that long. */
const DEADLINE = 8_000;

/** A socket of a connection of its own, connected; it goes with the test. */
export async function connect(t, url, { ns = "/", transports = ["websocket"], query } = {}) {
  const manager = new Manager(url, { transports, query, reconnection: false });
  t.after(() => manager._close());
  const socket = manager.socket(ns, {});
  await next(socket, "connect");
  return socket;
}

/** One more socket of the same connection. */
export async function connectAlso(socket, ns) {
  const other = socket.io.socket(ns, {});
  await next(other, "connect");
  return other;
}

/** The arguments of the next event of that name. */
export function next(socket, event) {
  const arrived = new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      socket.off(event, listener);
      reject(new Error(`no ${event} within ${DEADLINE} ms`));
    }, DEADLINE);
    const listener = (...args) => {
      clearTimeout(late);
      resolve(args);
    };
    socket.once(event, listener);
  });
  // Who waits for something else first hears of it later.
  arrived.catch(() => {});
  return arrived;
}

/** Emits and resolves with the first argument of the ack. */
export const call = (socket, event, ...args) => socket.timeout(DEADLINE).emitWithAck(event, ...args);

/** Whether a message for the room reaches the socket; `asker` sends it. */
let questions = 0;
export async function hearsRoom(asker, socket, room) {
  questions += 1;
  const heard = [];
  const listener = (what, number) => number === questions && heard.push(what);
  socket.on("probe", listener);
  try {
    asker.emit("room", room, "probe", "room", questions);
    asker.emit("broadcast", "probe", "all", questions);
    await expectEventually(() => heard.includes("all"));
    return heard.includes("room");
  } finally {
    socket.off("probe", listener);
  }
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** A client of the admin namespace that keeps what it is told, except for the sums. */
export class Admin {
  constructor(t, url, auth) {
    const manager = new Manager(url, { transports: ["websocket"], reconnection: false });
    t.after(() => manager._close());
    this.socket = manager.socket("/admin", { auth });
    this.log = [];
    this.stats = [];
    this.names = new Map();
    this.socket.onAny((event, ...args) => {
      if (event === "server_stats") this.stats.push(...args);
      else this.log.push([event, ...args]);
    });
  }

  /** One that may do everything, and has been told who is there; its log begins after that. */
  static async open(t, url) {
    const admin = new Admin(t, url, { username: USER, password: PASSWORD });
    await next(admin.socket, "connect");
    await expectEventually(() => admin.log.some(([event]) => event === "all_sockets"));
    admin.log.length = 0;
    return admin;
  }

  emit(...args) {
    this.socket.emit(...args);
  }

  /** From now on the ids of this socket and of its connection read as this name. */
  name(socket, name) {
    this.names.set(socket.id, name);
    this.names.set(socket.io.engine.id.slice(0, 12), `client of ${name}`);
  }

  /** What was told, with names for ids, and times as the word. */
  told() {
    return this.log.map((entry) => this.plain(entry));
  }

  plain(value) {
    if (typeof value === "string") return this.names.get(value) ?? (TIME.test(value) ? "<time>" : value);
    if (Buffer.isBuffer(value) || value === null || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map((item) => this.plain(item));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.plain(item)]));
  }

  /** What the server had to tell when this was called has arrived. */
  async settle() {
    this.fences = (this.fences ?? 0) + 1;
    const fence = `fence ${this.fences}`;
    const arrived = next(this.socket, fence);
    this.emit("emit", "/admin", this.socket.id, fence);
    await arrived;
    this.log = this.log.filter(([event]) => event !== fence);
  }
}
