// Many clients at once, and a small chat.
import assert from "node:assert/strict";
import { ask, call, collect, connect, fence, inModes, next, suite } from "./harness.mjs";

const CROWD = 50;
const range = (n) => Array.from({ length: n }, (_, i) => i);

function crowd(t, server, pick) {
  return Promise.all(range(CROWD).map((i) => connect(t, server, { mode: pick(i) })));
}

suite("crowd", {}, (server, test) => {
  inModes(test, "fifty clients get a broadcast exactly once", async (t, mode) => {
    const clients = await crowd(t, server, () => mode);
    const heard = clients.map((socket) => collect(socket, "news").values);
    await server.emit({ event: "news", data: "from outside" });
    await call(clients[0], "cast", { self: true }, "news", "from a handler");
    await fence(...clients);
    assert.deepEqual(heard, clients.map(() => ["from outside", "from a handler"]));
    assert.equal(new Set(clients.map((socket) => socket.id)).size, CROWD);
  });

  test("fifty mixed clients in rooms", async (t) => {
    const modes = ["polling", "websocket", "upgrade"];
    const clients = await crowd(t, server, (i) => modes[i % 3]);
    await Promise.all(clients.map((socket, i) => call(socket, "join", `crowd-${i % 5}`)));
    const heard = clients.map((socket) => collect(socket, "news").values);
    for (const room of range(5)) await server.emit({ room: `crowd-${room}`, event: "news", data: room });
    await fence(...clients);
    assert.deepEqual(heard, clients.map((_, i) => [i % 5]));
  });

  inModes(test, "everybody talks to everybody", async (t, mode) => {
    const clients = await Promise.all(range(20).map(() => connect(t, server, { mode })));
    const heard = clients.map((socket) => collect(socket, "talk").values);
    await Promise.all(clients.map((socket, who) =>
      Promise.all(range(10).map((i) => call(socket, "cast", {}, "talk", [who, i]))),
    ));
    await fence(...clients);
    for (const [me, values] of heard.entries()) {
      assert.equal(values.length, 19 * 10);
      for (const who of range(20).filter((other) => other !== me)) {
        const fromOne = values.filter(([sender]) => sender === who).map(([, i]) => i);
        assert.deepEqual(fromOne, range(10));
      }
    }
  });

  inModes(test, "clients that come and go do not disturb those who stay", async (t, mode) => {
    const stays = await connect(t, server, { mode });
    const heard = collect(stays, "news").values;
    for (const round of range(5)) {
      const guests = await Promise.all(range(10).map(() => connect(t, server, { mode, settle: false })));
      await call(guests[0], "cast", { to: [stays.id] }, "news", round);
      for (const [i, guest] of guests.entries()) {
        if (i % 2) guest.disconnect();
        else guest.io.engine.close();
      }
    }
    await fence(stays);
    assert.deepEqual(heard, range(5));
  });
});

suite("chat", {}, (server, test) => {
  inModes(test, "two clients chat", async (t, mode) => {
    const room = `${mode}-room`;
    const [ann, bob] = await Promise.all([1, 2].map(() => connect(t, server, { mode, ns: "/chat" })));
    assert.equal(await ask(ann, "enter", room, "ann"), 1);
    const entered = next(ann, "entered");
    assert.equal(await ask(bob, "enter", room, "bob é😀"), 2);
    assert.deepEqual(await entered, ["bob é😀"]);

    const heard = [ann, bob].map((socket) => collect(socket, "said"));
    const talk = [];
    for (const i of range(20)) {
      const [who, from] = i % 2 ? [ann, "ann"] : [bob, "bob é😀"];
      await call(who, "say", `line ${i}`);
      talk.push({ from, text: `line ${i}` });
    }
    for (const { reach, values } of heard) {
      await reach(talk.length);
      assert.deepEqual(values, talk);
    }

    const left = next(ann, "left");
    bob.disconnect();
    assert.deepEqual(await left, ["bob é😀"]);
    await call(ann, "say", "alone");
    await heard[0].reach(talk.length + 1);
    assert.equal(heard[1].values.length, talk.length);
  });

  inModes(test, "two rooms do not hear each other", async (t, mode) => {
    const [ann, bob] = await Promise.all([1, 2].map(() => connect(t, server, { mode, ns: "/chat" })));
    await ask(ann, "enter", `${mode}-one`, "ann");
    await ask(bob, "enter", `${mode}-two`, "bob");
    const heard = [ann, bob].map((socket) => collect(socket, "said"));
    await call(ann, "say", "in one");
    await call(bob, "say", "in two");
    await heard[0].reach(1);
    await heard[1].reach(1);
    assert.deepEqual(heard.map(({ values }) => values.map(({ text }) => text)), [["in one"], ["in two"]]);
  });

  inModes(test, "mixed transports chat", async (t, mode) => {
    const room = `${mode}-mixed`;
    const [ann, bob] = await Promise.all([
      connect(t, server, { mode: "polling", ns: "/chat" }),
      connect(t, server, { mode, ns: "/chat" }),
    ]);
    await ask(ann, "enter", room, "ann");
    await ask(bob, "enter", room, "bob");
    const said = next(bob, "said");
    await call(ann, "say", "é😀");
    assert.deepEqual(await said, [{ from: "ann", text: "é😀" }]);
  }, ["websocket", "upgrade"]);
});
