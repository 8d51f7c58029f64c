// A Redis of our own that can be ended, paused and started again on its port.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient } from "redis";
import { Program, unusedPort } from "./processes.mjs";

export class Redis {
  async start() {
    this.folder ??= await mkdtemp(path.join(tmpdir(), "sio-redis-"));
    for (;;) {
      const port = this.port ?? (await unusedPort());
      try {
        await this.open(port);
        this.port = port;
        break;
      } catch (error) {
        // Somebody was quicker; the port of a restart has to be had.
        if (this.port !== undefined || !/in use/.test(error.message)) throw error;
      }
    }
    this.url = `redis://127.0.0.1:${this.port}`;
    if (this.admin === undefined) {
      this.admin = createClient({ url: this.url, socket: { reconnectStrategy: 20 } });
      // It is opened again by itself.
      this.admin.on("error", () => {});
      await this.admin.connect();
    }
    return this;
  }

  async open(port) {
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    const program = process.env.SIO_REDIS || "redis-server";
    this.program = new Program("redis", program, [...args, "--dir", this.folder]);
    await this.program.says(/Ready to accept connections/);
  }

  /** Ends it at once; its clients lose their connections, and what it held is gone. */
  async kill() {
    await this.program.end("SIGKILL");
  }

  /** From now on it neither answers nor closes. */
  pause() {
    this.program.signal("SIGSTOP");
  }

  resume() {
    this.program.signal("SIGCONT");
  }

  async stop() {
    this.admin?.destroy();
    await this.program?.end("SIGKILL");
    if (this.folder !== undefined) await rm(this.folder, { recursive: true, force: true });
  }
}
