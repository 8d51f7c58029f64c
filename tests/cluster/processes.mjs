// Programs started by the tests: none outlives the test file, and each is ended by its id.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { within } from "./waits.mjs";

const STOP_DEADLINE = 10000;
/** Below the range the system hands out by itself. */
const PORTS = { from: 20000, to: 30000 };
const running = new Set();

process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => process.exit(1));

/** A child process whose standard output is watched for one line. */
export class Program {
  constructor(name, path, args) {
    this.name = name;
    this.output = "";
    const child = spawn(path, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.child = child;
    running.add(child);
    // Of a program that has ended, its input is closed.
    child.stdin.on("error", () => {});
    this.exited = new Promise((resolve) => {
      child.once("exit", resolve);
      child.once("error", resolve);
    });
    this.exited.then(() => running.delete(child));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        // A program that complains without end is no reason to keep it all.
        this.output = (this.output + chunk).slice(-20000);
        this.wake?.();
      });
    }
  }

  /** Resolves with the match once the output has it. */
  async says(pattern) {
    const said = new Promise((resolve, reject) => {
      this.wake = () => {
        const match = this.output.match(pattern);
        if (match) resolve(match);
      };
      this.wake();
      this.exited.then((end) => reject(new Error(`${this.name} ended: ${end}\n${this.output}`)));
    });
    return within(said, `${pattern} from ${this.name}`, { ms: STOP_DEADLINE, seen: () => `\n${this.output}` });
  }

  alive() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  signal(name) {
    this.child.kill(name);
  }

  /** Ends it; says how it ended: exit status, or null for a signal. */
  async end(signal = "SIGTERM") {
    if (!this.alive()) return this.child.exitCode;
    // One that is paused would not hear anything else.
    this.signal("SIGCONT");
    this.signal(signal);
    try {
      return await within(this.exited, `end of ${this.name}`, { ms: STOP_DEADLINE });
    } finally {
      this.child.kill("SIGKILL");
    }
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
