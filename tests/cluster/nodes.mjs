// Nodes of a cluster, as processes: ours and the reference.
import assert from "node:assert/strict";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Program } from "./processes.mjs";

/** Only reference nodes: proves the tests themselves. */
export const REFERENCE = process.env.SIO_REFERENCE === "1";
const SCRIPT = fileURLToPath(new URL("node.mjs", import.meta.url));

/** Who forms the clusters: kind of the first node, kind of the second. */
export const PAIRS = REFERENCE
  ? [["reference", "reference"]]
  : [
      ["sio", "reference"],
      ["sio", "sio"],
    ];

/** Flags per mode. */
export const MODES = {
  classic: ["--mode", "classic"],
  "classic, own response channels": ["--mode", "classic", "--specific-responses"],
  "sharded static": ["--mode", "sharded", "--subscription", "static"],
  "sharded dynamic": ["--mode", "sharded", "--subscription", "dynamic"],
  "sharded dynamic-private": ["--mode", "sharded", "--subscription", "dynamic-private"],
  streams: ["--mode", "streams"],
  "streams without recovery": ["--mode", "streams", "--no-recovery"],
};

export class Node {
  /** `kind` is `sio` or `reference`; `redis` the address the node is given. */
  constructor(kind, redis, flags) {
    this.kind = kind;
    this.redis = redis;
    this.flags = flags;
    this.port = 0;
  }

  command() {
    const args = ["--port", String(this.port), "--redis", this.redis, ...this.flags];
    if (this.kind === "reference") return [process.execPath, [SCRIPT, ...args]];
    const { SIO_NODE, SIO_BIN_DIR } = process.env;
    assert.ok(SIO_NODE || SIO_BIN_DIR, "set SIO_NODE, SIO_BIN_DIR or SIO_REFERENCE=1");
    return [SIO_NODE || path.join(SIO_BIN_DIR, "cluster-node"), args];
  }

  async start() {
    this.program = new Program(this.kind, ...this.command());
    const [, url, port] = await this.program.says(/^listening on (http:\/\/127\.0\.0\.1:(\d+))$/m);
    this.url = url;
    this.port = Number(port);
    return this;
  }

  /** Ends it at once, without a goodbye. */
  async kill() {
    await this.program.end("SIGKILL");
  }

  pause() {
    this.program.signal("SIGSTOP");
  }

  resume() {
    this.program.signal("SIGCONT");
  }

  /** The orderly end; a node that ended before its time failed. */
  async stop() {
    if (this.program === undefined) return;
    const { program } = this;
    const alive = program.alive();
    const status = await program.end("SIGTERM");
    assert.ok(alive, `${this.kind} node ended by itself: ${status}\n${program.output}`);
    assert.equal(status, 0, `orderly end of the ${this.kind} node\n${program.output}`);
    assert.doesNotMatch(program.output, /panicked at/, "no panic");
  }
}
