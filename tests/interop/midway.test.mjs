// The example `midway`, as the official client sees it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ask, call, collect, connect, next, REFERENCE, TestServer } from "./harness.mjs";

const missing = REFERENCE || !process.env.SIO_BIN_DIR;

describe("midway", { skip: missing && "needs SIO_BIN_DIR" }, () => {
  const server = new TestServer({}, "midway");
  before(() => server.start());
  after(() => server.stop());

  /** Three clients; each collects the first argument of `event`. */
  async function cast(t, event) {
    const clients = await Promise.all([1, 2, 3].map(() => connect(t, server)));
    return clients.map((socket) => ({ socket, heard: collect(socket, event) }));
  }

  /** The sender's line has been handled; then whoever should not have heard it has not. */
  async function silent(...clients) {
    for (const { socket, heard } of clients) {
      await call(socket, "leave", "nowhere");
      assert.deepEqual(heard.values, []);
    }
  }

  test("a result by event", async (t) => {
    const socket = await connect(t, server);
    const result = next(socket, "myEventResult");
    socket.emit("myEvent", 1, 2, 3);
    assert.deepEqual(await result, [{ name: "harry", result: 6 }]);
  });

  test("a result by ack", async (t) => {
    const socket = await connect(t, server);
    assert.deepEqual(await ask(socket, "myEvent", 1, 2, 3), { name: "harry", result: 6 });
    assert.deepEqual(await socket.emitWithAck("myEvent", 4, 5, 6), { name: "harry", result: 15 });
  });

  test("to the client, with several arguments", async (t) => {
    const socket = await connect(t, server);
    const hello = next(socket, "hello");
    socket.emit("toClient");
    assert.deepEqual(await hello, ["can you hear me?", 1, 2, "abc"]);
  });

  for (const line of ["toOthers", "returnToOthers"]) {
    test(`to all but the sender: ${line}`, async (t) => {
      const [ada, bob, cleo] = await cast(t, "broadcast");
      ada.socket.emit(line);
      for (const { heard } of [bob, cleo]) assert.deepEqual(await heard.reach(1), ["hello friends!"]);
      await silent(ada);
    });
  }

  for (const line of ["toRoom", "returnToRoom"]) {
    test(`to a room without the sender: ${line}`, async (t) => {
      const [ada, bob, cleo] = await cast(t, "nice game");
      await Promise.all([ada, bob].map(({ socket }) => call(socket, "join", "game")));
      ada.socket.emit(line);
      assert.deepEqual(await bob.heard.reach(1), ["let's play a game"]);
      await silent(ada, cleo);
    });
  }

  for (const line of ["toWholeRoom", "returnToWholeRoom"]) {
    test(`to a room with the sender: ${line}`, async (t) => {
      const [ada, bob, cleo] = await cast(t, "big-announcement");
      await Promise.all([ada, bob].map(({ socket }) => call(socket, "join", "game")));
      ada.socket.emit(line);
      for (const { heard } of [ada, bob]) assert.deepEqual(await heard.reach(1), ["the game will start soon"]);
      await silent(cleo);
    });
  }

  test("to a room of another namespace", async (t) => {
    const socket = await connect(t, server);
    const there = await connect(t, server, { ns: "/myNamespace" });
    await call(there, "join", "room");
    const event = next(there, "event");
    socket.emit("toRoomOfNamespace");
    assert.deepEqual(await event, ["message"]);
  });

  test("from HTTP", async (t) => {
    const socket = await connect(t, server);
    const hi = next(socket, "hi");
    assert.equal((await server.get("/")).status, 204);
    assert.deepEqual(await hi, ["everyone"]);
  });
});
