// Binary attachments in events and acks, both directions.
import assert from "node:assert/strict";
import { MODES, ask, call, collect, connect, fence, inModes, next, suite } from "./harness.mjs";

const LARGE = 100_000;
const bytes = (...values) => Buffer.from(values);
const pattern = (length) => Buffer.from(Array.from({ length }, (_, i) => i % 256));

/** What the client sends, and what must come back (the client hands out Buffers). */
const CASES = {
  "a Buffer": [[bytes(1, 2, 3)], [bytes(1, 2, 3)]],
  "a Uint8Array": [[Uint8Array.of(0, 127, 128, 255)], [bytes(0, 127, 128, 255)]],
  "an ArrayBuffer": [[Uint8Array.of(9, 8, 7).buffer], [bytes(9, 8, 7)]],
  "a view into a larger buffer": [[pattern(16).subarray(4, 8)], [bytes(4, 5, 6, 7)]],
  "bytes in an object": [[{ a: bytes(1), b: "text" }], [{ a: bytes(1), b: "text" }]],
  "bytes in a list": [[["x", bytes(2), null]], [["x", bytes(2), null]]],
  "bytes deep inside": [[{ a: [{ b: [bytes(3)] }] }], [{ a: [{ b: [bytes(3)] }] }]],
  "two attachments": [[bytes(1), "between", bytes(2, 3)], [bytes(1), "between", bytes(2, 3)]],
  "ten attachments": [Array.from({ length: 10 }, (_, i) => bytes(i)), Array.from({ length: 10 }, (_, i) => bytes(i))],
  "no bytes at all": [[bytes()], [bytes()]],
  "empty and full": [[bytes(), bytes(1), bytes()], [bytes(), bytes(1), bytes()]],
  "all byte values": [[pattern(256)], [pattern(256)]],
  "bytes beside wide text": [
    ["é😀", bytes(0xc3, 0x28), { "ключ": bytes(0xff) }],
    ["é😀", bytes(0xc3, 0x28), { "ключ": bytes(0xff) }],
  ],
  "bytes beside a false placeholder": [
    [{ _placeholder: false, num: 0 }, bytes(5)],
    [{ _placeholder: false, num: 0 }, bytes(5)],
  ],
};

suite("binary", {}, (server, test) => {
  for (const [title, [sent, expected]] of Object.entries(CASES)) {
    inModes(test, `${title} through an ack`, async (t, mode) => {
      const socket = await connect(t, server, { mode });
      assert.deepEqual(await call(socket, "echo", ...sent), expected);
    });

    inModes(test, `${title} through an event`, async (t, mode) => {
      const socket = await connect(t, server, { mode });
      const back = next(socket, "echo");
      socket.emit("echo", ...sent);
      assert.deepEqual(await back, expected);
    });
  }

  inModes(test, "the same buffer twice is two attachments", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const one = bytes(0xde, 0xad);
    assert.deepEqual(await call(socket, "echo", one, { again: one }), [one, { again: one }]);
  });

  inModes(test, "server sees bytes as bytes", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const args = [bytes(), pattern(300), "text", [bytes(1), bytes(2)]];
    const kinds = ["binary:0", "binary:300", "string:4", "array:2"];
    assert.deepEqual(await ask(socket, "describe", ...args), kinds);
  });

  inModes(test, "server makes bytes for an ack", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.deepEqual(await ask(socket, "make-binary", 300), pattern(300));
    assert.deepEqual(await ask(socket, "make-binary", 0), bytes());
  });

  inModes(test, "server makes bytes for an event", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const arrived = next(socket, "binary");
    socket.emit("make-binary", 5);
    assert.deepEqual(await arrived, [bytes(0, 1, 2, 3, 4)]);
  });

  inModes(test, "server nests several attachments", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const expected = { a: bytes(1, 2, 3), list: [bytes(), "é", bytes(255)], deep: { b: bytes(0) } };
    assert.deepEqual(await ask(socket, "make-nested"), expected);
    const arrived = next(socket, "nested");
    socket.emit("make-nested");
    assert.deepEqual(await arrived, [expected]);
  });

  inModes(test, "large bytes survive both ways", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const sent = pattern(LARGE);
    assert.deepEqual(await ask(socket, "describe", sent), [`binary:${LARGE}`]);
    assert.ok(sent.equals(await ask(socket, "echo", sent)));
    assert.ok(sent.equals(await ask(socket, "make-binary", LARGE)));
  });

  inModes(test, "text and binary events keep their order", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const echoes = collect(socket, "echo");
    const sent = Array.from({ length: 100 }, (_, i) => (i % 2 ? bytes(i) : i));
    for (const value of sent) socket.emit("echo", value);
    await fence(socket);
    assert.deepEqual(echoes.values, sent);
  });

  inModes(test, "two clients interleaving attachments do not mix them", async (t, mode) => {
    const clients = await Promise.all([1, 2].map(() => connect(t, server, { mode })));
    const answers = clients.map((socket, who) =>
      Promise.all(Array.from({ length: 50 }, (_, i) => ask(socket, "echo", { a: bytes(who, i), b: bytes(i) }))),
    );
    for (const [who, got] of (await Promise.all(answers)).entries()) {
      assert.deepEqual(got, Array.from({ length: 50 }, (_, i) => ({ a: bytes(who, i), b: bytes(i) })));
    }
  });

  inModes(test, "broadcast of bytes reaches every kind of client", async (t, mode) => {
    const sender = await connect(t, server, { mode });
    const modes = Object.keys(MODES);
    const others = await Promise.all(modes.map((other) => connect(t, server, { mode: other })));
    const arrived = others.map((socket) => next(socket, `bytes-${mode}`));
    const payload = { a: bytes(1, 2), list: [bytes(), "é"] };
    await call(sender, "cast", {}, `bytes-${mode}`, payload);
    for (const args of await Promise.all(arrived)) assert.deepEqual(args, [payload]);
  });
});
