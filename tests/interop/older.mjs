// Older releases of the official client, and what is needed to treat them alike.
import { createRequire } from "node:module";
import { MODES, next, within } from "./harness.mjs";

const require = createRequire(import.meta.url);

function release(name) {
  const client = require(`socket.io-client-${name}`);
  // Release 2 is the function itself, and speaks Engine.IO 3.
  return { name, io: client.io ?? client, legacy: client.io === undefined };
}

export const RELEASES = ["4.0", "3.1", "2.5"].map(release);

/** A socket with a connection of its own, or with that of `beside`. */
export function open(t, server, client, { ns = "/", mode = "websocket", auth, query, beside, ...options } = {}) {
  if (beside !== undefined) {
    return beside.io.socket(ns, client.legacy ? { query: auth } : { auth });
  }
  // Release 2 sends its query with CONNECT, which is what came before the auth payload.
  const data = client.legacy ? { query: auth ?? query } : { auth, query };
  const socket = client.io(server.url + ns, {
    forceNew: true,
    transports: MODES[mode],
    reconnection: false,
    reconnectionDelay: 10,
    reconnectionDelayMax: 50,
    randomizationFactor: 0,
    ...data,
    ...options,
  });
  t.after(() => (client.legacy ? socket.io.close() : socket.io._close()));
  return socket;
}

/** A connected socket; in mode `upgrade` it has already upgraded. */
export async function connect(t, server, client, options = {}) {
  const socket = open(t, server, client, options);
  await next(socket, "connect");
  const { engine } = socket.io;
  if (options.mode === "upgrade" && engine.transport.name !== "websocket") await next(engine, "upgrade");
  return socket;
}

/** The refusal of a CONNECT: message and data, as far as the release has both. */
export async function refusal(socket, client) {
  const [error] = await next(socket, client.legacy ? "error" : "connect_error");
  return client.legacy ? error : { message: error.message, data: error.data };
}

/** Emits and resolves with the first argument of the ack. */
export function ask(socket, event, ...args) {
  const answered = new Promise((resolve) => socket.emit(event, ...args, resolve));
  return within(answered, `ack of ${event}`);
}
