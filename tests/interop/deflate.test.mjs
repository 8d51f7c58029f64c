// permessage-deflate with the client's own WebSocket: texts and bytes below and above the threshold.
import assert from "node:assert/strict";
import { ask, call, connect, inModes, next, suite } from "./harness.mjs";

const THRESHOLD = 100;
const MODES = ["websocket", "upgrade"];
const SIZES = [0, 1, THRESHOLD - 1, THRESHOLD, 1000, 70_000, 300_000];

/** The extensions that the connection of a socket agreed to. */
const extensions = (socket) => socket.io.engine.transport.ws.extensions;

suite("deflate", { flags: { deflate: THRESHOLD } }, (server, test) => {
  inModes(test, "compression is agreed to", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.match(String(extensions(socket)), /permessage-deflate/);
  }, MODES);

  inModes(test, "texts of every size survive both ways", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    for (const size of SIZES) {
      const text = "é0123456789 abc".repeat(size / 15 + 1).slice(0, size);
      assert.deepEqual(await call(socket, "echo", text), [text]);
    }
  }, MODES);

  inModes(test, "bytes of every size survive both ways", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    for (const size of SIZES) {
      const noise = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7919 + (i >> 5)) % 256));
      const [back] = await call(socket, "echo", { noise, zeros: Buffer.alloc(size) });
      assert.ok(noise.equals(back.noise));
      assert.ok(Buffer.alloc(size).equals(back.zeros));
    }
  }, MODES);

  inModes(test, "many messages at once keep their order", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const texts = Array.from({ length: 200 }, (_, i) => `${i} `.repeat(i % 3 ? 200 : 1));
    assert.deepEqual(await Promise.all(texts.map((text) => ask(socket, "echo", text))), texts);
  }, MODES);

  test("a client that does not offer it is served without", async (t) => {
    const socket = await connect(t, server, { mode: "websocket", perMessageDeflate: false });
    assert.equal(String(extensions(socket) ?? ""), "");
    const back = next(socket, "echo");
    const text = "x".repeat(5000);
    socket.emit("echo", text);
    assert.deepEqual(await back, [text]);
  });
});
