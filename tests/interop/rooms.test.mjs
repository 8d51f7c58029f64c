// Rooms and broadcasts, from handlers and from outside of them.
import assert from "node:assert/strict";
import {
  ask, call, collect, connect, connected, fence, inModes, manager, next, socketOf, suite, watch,
} from "./harness.mjs";

/** Clients that each collect the event `said`. */
async function group(t, server, mode, names, options = {}) {
  const entries = await Promise.all([...names].map(async (name) => {
    const socket = await connect(t, server, { mode, ...options });
    return [name, { socket, said: collect(socket, "said").values }];
  }));
  const clients = Object.fromEntries(entries);
  /** Who got what, once everything sent so far has arrived. */
  const heard = async () => {
    await fence(...entries.map(([, client]) => client.socket));
    return Object.fromEntries(entries.map(([name, client]) => [name, client.said]));
  };
  return { clients, heard };
}

suite("rooms", {}, (server, test) => {
  inModes(test, "a new socket is in the room of its own id", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    assert.deepEqual(await ask(socket, "rooms"), [socket.id]);
    assert.deepEqual(await ask(socket, "members", socket.id), [socket.id]);
  });

  inModes(test, "join one, join several, leave", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    await call(socket, "join", "r1");
    await call(socket, "join", ["r2", "r3 é😀"]);
    await call(socket, "join", "r1");
    assert.deepEqual(await ask(socket, "rooms"), ["r1", "r2", "r3 é😀", socket.id].sort());
    await call(socket, "leave", "r1");
    await call(socket, "leave", "never joined");
    assert.deepEqual(await ask(socket, "rooms"), ["r2", "r3 é😀", socket.id].sort());
  });

  inModes(test, "members are listed until they leave", async (t, mode) => {
    const { clients: { a, b } } = await group(t, server, mode, "ab");
    const room = `${mode}-members`;
    await Promise.all([a, b].map(({ socket }) => call(socket, "join", room)));
    assert.deepEqual(await ask(a.socket, "members", room), [a.socket.id, b.socket.id].sort());
    await call(b.socket, "leave", room);
    assert.deepEqual(await ask(a.socket, "members", room), [a.socket.id]);
    await call(a.socket, "leave", room);
    assert.deepEqual(await ask(a.socket, "members", room), []);
  });

  inModes(test, "only members hear their room", async (t, mode) => {
    const { clients: { a, b }, heard } = await group(t, server, mode, "abc");
    const room = `${mode}-only`;
    await Promise.all([a, b].map(({ socket }) => call(socket, "join", room)));
    await call(a.socket, "cast", { to: [room], self: true }, "said", 1);
    await call(b.socket, "leave", room);
    await call(a.socket, "cast", { to: [room], self: true }, "said", 2);
    assert.deepEqual(await heard(), { a: [1, 2], b: [1], c: [] });
  });

  inModes(test, "one who is not in the room may emit to it", async (t, mode) => {
    const { clients: { a, b }, heard } = await group(t, server, mode, "ab");
    const room = `${mode}-outside`;
    await call(b.socket, "join", room);
    await call(a.socket, "cast", { to: [room], self: true }, "said", 1);
    assert.deepEqual(await heard(), { a: [], b: [1] });
  });

  inModes(test, "several rooms are a union without duplicates", async (t, mode) => {
    const { clients: { a, b, c }, heard } = await group(t, server, mode, "abcd");
    const [one, two] = [`${mode}-one`, `${mode}-two`];
    await call(a.socket, "join", [one, two]);
    await call(b.socket, "join", one);
    await call(c.socket, "join", two);
    await call(a.socket, "cast", { to: [one, two, a.socket.id], self: true }, "said", 1);
    assert.deepEqual(await heard(), { a: [1], b: [1], c: [1], d: [] });
  });

  inModes(test, "exceptions win", async (t, mode) => {
    const { clients: { a, b, c }, heard } = await group(t, server, mode, "abc");
    const [all, some] = [`${mode}-all`, `${mode}-some`];
    await Promise.all([a, b, c].map(({ socket }) => call(socket, "join", all)));
    await call(b.socket, "join", some);
    await call(a.socket, "cast", { to: [all], except: [some], self: true }, "said", 1);
    await call(a.socket, "cast", { to: [all], except: [some, c.socket.id], self: true }, "said", 2);
    await call(a.socket, "cast", { to: [all, some], except: [some], self: true }, "said", 3);
    assert.deepEqual(await heard(), { a: [1, 2, 3], b: [], c: [1, 3] });
  });

  inModes(test, "exception without a room means everybody else", async (t, mode) => {
    const { clients: { a, b }, heard } = await group(t, server, mode, "abc");
    await call(b.socket, "join", `${mode}-excepted`);
    await call(a.socket, "cast", { except: [`${mode}-excepted`], self: true }, "said", 1);
    await call(a.socket, "cast", { except: [`${mode}-excepted`] }, "said", 2);
    assert.deepEqual(await heard(), { a: [1], b: [], c: [1, 2] });
  });

  inModes(test, "the room of an id is a private message", async (t, mode) => {
    const { clients: { a, b }, heard } = await group(t, server, mode, "abc");
    await call(a.socket, "cast", { to: [b.socket.id] }, "said", "for b");
    await call(a.socket, "cast", { to: [a.socket.id], self: true }, "said", "for me");
    await call(a.socket, "cast", { to: [a.socket.id] }, "said", "for nobody");
    assert.deepEqual(await heard(), { a: ["for me"], b: ["for b"], c: [] });
  });

  inModes(test, "broadcast leaves the sender out", async (t, mode) => {
    const { clients: { a }, heard } = await group(t, server, mode, "abc");
    await call(a.socket, "cast", {}, "said", 1);
    assert.deepEqual(await heard(), { a: [], b: [1], c: [1] });
  });

  inModes(test, "broadcast to a room leaves the sender out", async (t, mode) => {
    const { clients: { a, b }, heard } = await group(t, server, mode, "abc");
    const room = `${mode}-sender`;
    await Promise.all([a, b].map(({ socket }) => call(socket, "join", room)));
    await call(a.socket, "cast", { to: [room] }, "said", 1);
    assert.deepEqual(await heard(), { a: [], b: [1], c: [] });
  });

  inModes(test, "unknown room is nobody", async (t, mode) => {
    const { clients: { a }, heard } = await group(t, server, mode, "ab");
    await call(a.socket, "cast", { to: [`${mode}-nobody`], self: true }, "said", 1);
    assert.deepEqual(await heard(), { a: [], b: [] });
  });

  inModes(test, "rooms end with the socket", async (t, mode) => {
    const watcher = await watch(t, server);
    const { clients: { a, b } } = await group(t, server, mode, "ab");
    const [id, room] = [b.socket.id, `${mode}-ended`];
    await call(b.socket, "join", room);
    b.socket.disconnect();
    const [before, after] = await watcher.records(id);
    assert.deepEqual(before.rooms, [room, id].sort());
    assert.deepEqual(after.rooms, []);
    assert.deepEqual(await ask(a.socket, "members", room), []);
    assert.deepEqual(await ask(a.socket, "members", id), []);
    b.socket.connect();
    await connected(b.socket);
    assert.deepEqual(await ask(b.socket, "rooms"), [b.socket.id]);
  });

  inModes(test, "the same room name in two namespaces is two rooms", async (t, mode) => {
    const connection = manager(t, server, { mode });
    const [main, second] = ["/", "/second"].map((ns) => socketOf(connection, ns));
    const room = `${mode}-both`;
    await Promise.all([main, second].map((socket) => call(socket, "join", room)));
    const [inMain, inSecond] = [main, second].map((socket) => collect(socket, "said").values);
    await call(main, "cast", { to: [room], self: true }, "said", "main");
    await fence(main, second);
    assert.deepEqual([inMain, inSecond], [["main"], []]);
    assert.deepEqual(await ask(second, "members", room), [second.id]);
  });

  test("one broadcast reaches every kind of client", async (t) => {
    const modes = ["polling", "websocket", "upgrade"];
    const clients = await Promise.all(modes.map((mode) => connect(t, server, { mode })));
    const said = clients.map((socket) => collect(socket, "said").values);
    const payload = { text: "é😀", list: [1, null] };
    await call(clients[0], "cast", { self: true }, "said", payload);
    await fence(...clients);
    assert.deepEqual(said, [[payload], [payload], [payload]]);
  });

  inModes(test, "volatile broadcast reaches an idle client", async (t, mode) => {
    const [sender, receiver] = await Promise.all([connect(t, server), connect(t, server, { mode })]);
    await fence(receiver, sender);
    const said = next(receiver, "said");
    await call(sender, "cast", { to: [receiver.id], volatile: true }, "said", 1);
    assert.deepEqual(await said, [1]);
  }, ["websocket", "upgrade"]);

  inModes(test, "volatile emit between two others is dropped", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const values = collect(socket, "v").values;
    socket.emit("volatile-mix");
    await fence(socket);
    assert.deepEqual(values, [1, 3]);
  });

  inModes(test, "disconnecting a room spares the others", async (t, mode) => {
    const { clients: { a, b, c } } = await group(t, server, mode, "abc");
    const room = `${mode}-kicked`;
    await Promise.all([b, c].map(({ socket }) => call(socket, "join", room)));
    const ended = [b, c].map(({ socket }) => next(socket, "disconnect"));
    await call(a.socket, "kick-room", room, false);
    for (const [reason] of await Promise.all(ended)) assert.equal(reason, "io server disconnect");
    await fence(a.socket);
    assert.deepEqual(await ask(a.socket, "members", room), []);
  });
});

suite("emit from an HTTP route", {}, (server, test) => {
  inModes(test, "reaches the whole namespace", async (t, mode) => {
    const { heard } = await group(t, server, mode, "ab");
    await server.emit({ event: "said", data: { from: "http", text: "é😀" } });
    const expected = [{ from: "http", text: "é😀" }];
    assert.deepEqual(await heard(), { a: expected, b: expected });
  });

  inModes(test, "reaches one room, one id, another namespace", async (t, mode) => {
    const { clients: { a, b }, heard } = await group(t, server, mode, "ab");
    const second = await connect(t, server, { mode, ns: "/second" });
    const inSecond = collect(second, "said").values;
    await call(b.socket, "join", `${mode} room & more`);
    await server.emit({ room: `${mode} room & more`, event: "said", data: 1 });
    await server.emit({ ns: "/", room: a.socket.id, event: "said", data: [2] });
    await server.emit({ ns: "/second", event: "said", data: null });
    assert.deepEqual(await heard(), { a: [[2]], b: [1] });
    await fence(second);
    assert.deepEqual(inSecond, [null]);
  });

  inModes(test, "keeps the order of the requests", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const said = collect(socket, "said").values;
    for (let i = 0; i < 20; i++) await server.emit({ room: socket.id, event: "said", data: i });
    await fence(socket);
    assert.deepEqual(said, Array.from({ length: 20 }, (_, i) => i));
  });

  inModes(test, "without data has no argument", async (t, mode) => {
    const socket = await connect(t, server, { mode });
    const said = next(socket, "said");
    await server.emit({ room: socket.id, event: "said" });
    assert.deepEqual(await said, []);
  });

  test("refuses what makes no sense", async () => {
    for (const query of ["", "event=", "event=a&data={", "event=a&ns=/unknown"]) {
      assert.equal((await server.get(`/emit?${query}`)).status, 400, query);
    }
  });

  test("other paths belong to the application", async () => {
    assert.equal((await server.get("/elsewhere")).status, 404);
    assert.equal((await server.get("/socket.io")).status, 404);
  });
});
