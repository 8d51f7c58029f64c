// A client program that carries out scenarios and prints `ok NAME` or `not ok NAME` for each.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Program, Server, unusedPort } from "./server.mjs";

const TIMEOUT = 120_000;

/** One test per scenario; `program(url, ...names)` gives command, arguments and environment. */
export function carryOut(title, workers, names, program) {
  describe(`${title}, workers ${workers}`, () => {
    const server = new Server(workers);
    let client;
    before(async () => {
      await server.start();
      client = new Program(...program(server.url, ...names));
    });
    after(async () => {
      client.child.kill("SIGKILL");
      await server.stop();
    });
    for (const name of names) {
      test(name, { timeout: TIMEOUT }, () => succeeds(client, name));
    }
    test("restart", { timeout: TIMEOUT }, async (t) => {
      const own = new Server(workers);
      own.port = await unusedPort();
      await own.start();
      t.after(() => own.stop());
      const lasting = new Program(...program(own.url, "restart"));
      t.after(() => lasting.child.kill("SIGKILL"));
      await lasting.line(/^connected$/);
      await own.stop("SIGKILL");
      await own.start();
      await succeeds(lasting, "restart");
    });
  });
}

async function succeeds(client, name) {
  const line = await client.line(new RegExp(`^(not )?ok ${name}\\b`), 40_000);
  const [, failure] = line.match(/^not ok \S+ ?(.*)$/) ?? [];
  assert.equal(failure, undefined, failure?.replaceAll("\\n", "\n"));
}
