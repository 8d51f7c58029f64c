// Programs without clients that speak to a cluster.
import { encode } from "@msgpack/msgpack";
import { Emitter } from "@socket.io/redis-emitter";

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
