// Carries TCP connections to a port and can cut or stall them.
import { once } from "node:events";
import { connect, createServer } from "node:net";

export class Proxy {
  constructor(target) {
    this.target = target;
    this.pairs = new Set();
    this.mode = "open";
  }

  async start() {
    this.server = createServer({ noDelay: true }, (near) => this.carry(near));
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  carry(near) {
    if (this.mode === "cut") {
      near.destroy();
      return;
    }
    const far = connect({ port: this.target, host: "127.0.0.1", noDelay: true });
    const pair = { near, far, polls: false };
    this.pairs.add(pair);
    const end = () => {
      this.pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on("data", (chunk) => {
        pair.polls = from === near && chunk.toString("latin1", 0, 4) === "GET ";
        if (!to.write(chunk)) from.pause();
      });
      to.on("drain", () => this.mode === "stalled" || from.resume());
      from.on("error", end);
      from.on("close", end);
    }
    if (this.mode === "stalled") this.hold(pair);
  }

  hold({ near, far }) {
    near.pause();
    far.pause();
  }

  /** Whether a request of a long-polling client is open. */
  polls() {
    return [...this.pairs].some(({ polls }) => polls);
  }

  /** Closes what is open and whatever is opened. */
  cut() {
    this.mode = "cut";
    for (const { near, far } of this.pairs) {
      near.destroy();
      far.destroy();
    }
  }

  /** Nothing passes, nothing is closed. */
  stall() {
    this.mode = "stalled";
    this.pairs.forEach((pair) => this.hold(pair));
  }

  /** All is as before; what was held passes late. */
  heal() {
    this.mode = "open";
    for (const { near, far } of this.pairs) {
      near.resume();
      far.resume();
    }
  }

  stop() {
    this.cut();
    this.server.close();
  }
}
