// Programs without clients that speak to a cluster.
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { encode } from "@msgpack/msgpack";
import { Emitter } from "@socket.io/redis-emitter";
import { MODES } from "./nodes.mjs";
import { Program } from "./processes.mjs";
import { within } from "./waits.mjs";

/** The emitter for classic clusters, of the package. */
export const classicEmitter = (redis, key) => new Emitter(redis.admin, { key });

/** An emitter for clusters over streams: writes the entries that the one for Node.js writes. */
export class StreamsEmitter {
  constructor(redis, key, nsp = "/", opts = { rooms: [], flags: {}, except: [] }) {
    Object.assign(this, { redis, key, nsp, opts });
  }

  of(nsp) {
    return new StreamsEmitter(this.redis, this.key, nsp);
  }

  with(change) {
    return new StreamsEmitter(this.redis, this.key, this.nsp, { ...this.opts, ...change });
  }

  to(rooms) {
    return this.with({ rooms: [...this.opts.rooms, rooms].flat() });
  }

  except(rooms) {
    return this.with({ except: [...this.opts.except, rooms].flat() });
  }

  add(type, data) {
    const hasBytes = JSON.stringify(data).includes('"type":"Buffer"');
    const text = hasBytes ? Buffer.from(encode(data)).toString("base64") : JSON.stringify(data);
    const fields = { uid: "emitter", nsp: this.nsp, type: String(type), data: text };
    const list = Object.entries(fields).flat();
    return this.redis.admin.sendCommand(["XADD", this.key, "MAXLEN", "~", "10000", "*", ...list]);
  }

  emit(...data) {
    return this.add(3, { packet: { type: 2, data, nsp: this.nsp }, opts: this.opts });
  }

  socketsJoin(rooms) {
    return this.add(4, { opts: this.opts, rooms: [rooms].flat() });
  }

  socketsLeave(rooms) {
    return this.add(5, { opts: this.opts, rooms: [rooms].flat() });
  }

  disconnectSockets(close = false) {
    return this.add(6, { opts: this.opts, close });
  }

  serverSideEmit(...packet) {
    return this.add(9, { packet });
  }
}

/** Our emitter, in a process of its own: what it is told here it says there. */
export class OurEmitter {
  constructor(cluster) {
    const flags = MODES[cluster.mode].filter((flag) => flag !== "--no-recovery");
    const args = ["--redis", cluster.redis.url, "--key", cluster.key, ...flags];
    this.program = new Program("emitter", path.join(process.env.SIO_BIN_DIR, "cluster-emitter"), args);
    this.answers = createInterface({ input: this.program.child.stdout });
    this.selection = {};
  }

  with(change) {
    const copy = Object.create(OurEmitter.prototype);
    return Object.assign(copy, this, { selection: { ...this.selection, ...change } });
  }

  of(name) {
    return this.with({ of: name, to: [], except: [] });
  }

  to(rooms) {
    return this.with({ to: [...(this.selection.to ?? []), rooms].flat() });
  }

  except(rooms) {
    return this.with({ except: [...(this.selection.except ?? []), rooms].flat() });
  }

  async say(call, ...args) {
    const line = JSON.stringify({ ...this.selection, call, args }, (_, value) =>
      value?.type === "Buffer" ? { $bytes: value.data } : value,
    );
    const answered = within(once(this.answers, "line"), `answer to ${call}`);
    this.program.child.stdin.write(`${line}\n`);
    const [answer] = await answered;
    if (answer !== "done") throw new Error(answer);
  }

  emit(...args) {
    return this.say("emit", ...args);
  }

  socketsJoin(rooms) {
    return this.say("socketsJoin", [rooms].flat());
  }

  socketsLeave(rooms) {
    return this.say("socketsLeave", [rooms].flat());
  }

  disconnectSockets(close = false) {
    return this.say("disconnectSockets", close);
  }

  serverSideEmit(...args) {
    return this.say("serverSideEmit", ...args);
  }
}
