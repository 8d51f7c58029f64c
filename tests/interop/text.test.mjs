// Arguments without binary: every JSON value, arity, and size, in both directions.
import assert from "node:assert/strict";
import { ask, call, connect, inModes, next, suite } from "./harness.mjs";

const TEXTS = [
  "",
  "plain",
  'quotes " and \\ backslash / slash',
  "control \u0000 \u0001 \b \f \n \r \t \u001e \u001f \u007f",
  "line ends \u2028 \u2029 \u0085",
  "é ß ñ Ж 中 日本語 العربية עברית",
  "combining e\u0301, joiner \u200d, mark \ufeff, last \uffff",
  "astral 😀 𝒳 𠜎, family 👨‍👩‍👧‍👦, flag 🇪🇺",
  '42["looks like a packet"]',
  "451-/chat,1[]",
];
const NUMBERS = [
  0, 1, -1, 0.5, -0.1, 0.1 + 0.2, 1 / 3, 1e21, 1e-7, 123456789.123,
  Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, Number.MAX_VALUE, Number.MIN_VALUE, 2 ** 31, -(2 ** 31), 2 ** 53,
];
const NESTED = {
  empty: {},
  list: [[], [[]], [[[1]]], [null, true, "x"]],
  "": "empty key",
  "key with é 😀": { a: { b: { c: { d: { e: [{ f: null }] } } } } },
  _placeholder: false,
  constructor: "own key",
};
const LARGE = 200_000;

/** Arguments to send and to get back the same. */
const CASES = {
  "no argument": [],
  "null": [null],
  "booleans": [true, false],
  "texts": TEXTS,
  "numbers": NUMBERS,
  "nested values": [NESTED],
  "empty containers": [[], {}, [[]], [{}]],
  "one array stays one argument": [[1, 2, 3]],
  "many arguments": Array.from({ length: 50 }, (_, i) => (i % 3 ? i : { i })),
  "null between values": [null, 1, null, "x", null],
};

suite("text", { workers: [2] }, (server, test) => {
  for (const [title, args] of Object.entries(CASES)) {
    inModes(test, `${title} through an ack`, async (t, mode) => {
      const socket = await connect(t, server, { mode });
      assert.deepEqual(await call(socket, "echo", ...args), args);
    });

    inModes(test, `${title} through an event`, async (t, mode) => {
      const socket = await connect(t, server, { mode });
      const back = next(socket, "echo");
      socket.emit("echo", ...args);
      assert.deepEqual(await back, args);
    });
  }

  inModes(test, "values keep their kind on the server", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const args = [null, true, 1.5, "é😀", [1, 2], { a: 1, b: 2, c: 3 }];
    const kinds = ["null", "bool", "number", "string:6", "array:2", "object:3"];
    assert.deepEqual(await ask(socket, "describe", ...args), kinds);
  });

  inModes(test, "undefined and NaN become null, a date becomes text", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const args = [undefined, NaN, Infinity, new Date(0), { gone: undefined }];
    const expected = [null, null, null, "1970-01-01T00:00:00.000Z", {}];
    assert.deepEqual(await call(socket, "echo", ...args), expected);
  });

  inModes(test, "large text survives both ways", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const text = "0123456789".repeat(LARGE / 10);
    assert.deepEqual(await ask(socket, "describe", text), [`string:${LARGE}`]);
    assert.ok((await ask(socket, "echo", text)) === text);
  });

  inModes(test, "large text of wide characters survives both ways", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const text = "é😀".repeat(LARGE / 6);
    const bytes = Buffer.byteLength(text);
    assert.deepEqual(await ask(socket, "describe", text), [`string:${bytes}`]);
    assert.ok((await ask(socket, "echo", text)) === text);
  });

  inModes(test, "deep nesting survives", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    let value = "core";
    for (let depth = 0; depth < 60; depth++) value = depth % 2 ? [value] : { value };
    assert.deepEqual(await ask(socket, "echo", value), value);
  });

  inModes(test, "event names may be any text", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    for (const name of ['é "quoted" \\ 😀', "with,comma", "/slash", "error", "message", "connection", " "]) {
      const received = next(socket, name);
      await call(socket, "cast", { to: [socket.id], self: true }, name, name.length);
      assert.deepEqual(await received, [name.length]);
    }
  });

  inModes(test, "send is the event message", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const received = next(socket, "message");
    await call(socket, "cast", { self: true, to: [socket.id] }, "message", null);
    assert.deepEqual(await received, [null]);
  });
});
