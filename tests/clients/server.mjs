// One process of the interop server, and programs that are its clients.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";

const DEADLINE = 10_000;
/** Ports for servers that start twice: below the range the system hands out to others. */
const PORTS = { from: 20_000, to: 30_000 };

async function within(promise, what, output, ms = DEADLINE) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${ms} ms\n${output()}`)), ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** A program whose lines are read and kept. */
export class Program {
  constructor(command, args, env = {}) {
    this.lines = [];
    this.waiting = [];
    this.child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    const keep = (line) => {
      this.lines.push(line);
      this.waiting.forEach((check) => check());
    };
    for (const stream of [this.child.stdout, this.child.stderr]) createInterface({ input: stream }).on("line", keep);
    this.ended = new Promise((resolve) => {
      this.child.once("close", resolve);
      this.child.once("error", (error) => {
        keep(String(error));
        resolve(String(error));
      });
    });
  }

  output() {
    return this.lines.slice(-60).join("\n");
  }

  /** The first line of this form; fails if the program ends without it. */
  async line(form, ms = 2 * DEADLINE) {
    const find = () => this.lines.find((line) => line.match(form));
    const found = new Promise((resolve) => {
      const check = () => find() && resolve();
      this.waiting.push(check);
      check();
    });
    await within(Promise.race([found, this.ended]), `line ${form}`, () => this.output(), ms);
    assert.ok(find(), this.output());
    return find();
  }

  async stop(signal) {
    this.child.kill(signal);
    try {
      return await within(this.ended, "end", () => this.output());
    } finally {
      this.child.kill("SIGKILL");
    }
  }
}

export class Server {
  constructor(workers) {
    this.workers = workers;
    this.port = 0;
  }

  async start() {
    const args = ["--port", String(this.port), "--workers", String(this.workers)];
    this.program = new Program(path.join(process.env.SIO_BIN_DIR, "interop-server"), args);
    const line = await this.program.line(/^listening on /);
    this.url = line.slice("listening on ".length);
    this.port = Number(new URL(this.url).port);
  }

  async stop(signal = "SIGTERM") {
    const { program } = this;
    this.program = undefined;
    const status = await program?.stop(signal);
    if (signal === "SIGTERM") assert.ok([0, undefined].includes(status), program?.output());
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
