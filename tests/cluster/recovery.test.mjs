// Clients that lose their connection come back on any node, and get what they have missed.
import assert from "node:assert/strict";
import { ask, call, collect, connect, connected, fence, next, open } from "./clients.mjs";
import { bothWays, clustersOf, withRedis } from "./cluster.mjs";
import { Proxy } from "./proxy.mjs";
import { until } from "./waits.mjs";

const BYTES = Buffer.from([0, 1, 2, 255]);

/** A client whose way leads to one node now and to another one later. */
async function traveller(t, node, options) {
  const proxy = await new Proxy(node.port).start();
  t.after(() => proxy.stop());
  const socket = open(t, proxy.url, { ...options, reconnection: true });
  await connected(socket);
  return { proxy, socket };
}

/** Cuts its way off; resolves when its node has put its session down. */
async function lose(cluster, { proxy, socket }) {
  const pid = socket._pid;
  assert.equal(typeof pid, "string");
  const gone = next(socket, "disconnect");
  // A node that holds no request of the client's would not notice.
  const polling = socket.io.engine.transport.name === "polling";
  if (polling) await until(async () => proxy.polls(), "poll open");
  proxy.cut();
  await gone;
  await saved(cluster, pid);
}

const saved = (cluster, pid) =>
  until(() => cluster.redis.admin.exists(`sio:session:${pid}`), "session kept");

async function comeBack({ proxy, socket }, node) {
  const back = next(socket, "connect");
  proxy.target = node.port;
  proxy.heal();
  await back;
}

// A busy machine must not make events go without their offsets.
const FLAGS = ["--offset-wait", "10000"];

withRedis((redis) => clustersOf(redis, ["streams"], { flags: FLAGS }, (cluster, define) => {
  const both = (title, run) => bothWays(define, cluster, title, run);

  for (const transport of ["websocket", "polling"]) {
    both(`a client comes back on the other node, with what it missed [${transport}]`, async (t, home, away) => {
      const lost = await traveller(t, home, { transport });
      const { socket } = lost;
      const [here, there] = [await connect(t, home), await connect(t, away)];
      for (const room of ["stays", "1"]) await call(socket, "join", room);
      await call(socket, "remember", { x: ["ü", null, 1.5] });
      const list = collect(socket, "n");
      here.emit("all", "n", "first");
      await fence(here, here, there, socket);
      const { id, _pid: pid } = socket;

      await lose(cluster, lost);
      const expected = ["first"];
      for (const [place, from] of [here, there].entries()) {
        const say = (value) => [value, { from: place, bytes: BYTES }];
        const [text, bytes] = say(`all ${place}`);
        from.emit("all", "n", text);
        from.emit("all", "n", bytes);
        from.emit("room", "stays", "n", `room ${place}`);
        from.emit("rooms", ["1", "stays", "elsewhere"], "n", `rooms ${place}`);
        from.emit("room", id, "n", `own ${place}`);
        from.emit("except", "elsewhere", "n", `but ${place}`);
        from.emit("room", "elsewhere", "n", "not this");
        from.emit("except", "1", "n", "nor this");
        from.emit("local", "n", "nor a local one");
        await fence(from, here, there);
        expected.push(text, bytes, `room ${place}`, `rooms ${place}`, `own ${place}`, `but ${place}`);
      }

      await comeBack(lost, away);
      assert.equal(socket.recovered, true);
      assert.deepEqual([socket.id, socket._pid], [id, pid]);
      here.emit("all", "n", "last");
      await fence(here, here, there, socket);
      assert.deepEqual(list.values, [...expected, "last"]);
      const state = await ask(socket, "recall");
      assert.deepEqual(state, { value: { x: ["ü", null, 1.5] }, recovered: true, rooms: ["1", "stays", id].sort() });
      assert.equal((await ask(socket, "whoami")).node, String(away.port));
      const [found] = await ask(here, "fetch", id);
      assert.deepEqual(found, { id, rooms: ["1", "stays", id].sort() });
    });
  }

  both("a client comes back again and again, to and fro", async (t, home, away) => {
    const lost = await traveller(t, home);
    const { socket } = lost;
    const { id } = socket;
    const from = await connect(t, home);
    const list = collect(socket, "n");
    const expected = [];
    from.emit("all", "n", "start");
    expected.push("start");
    await fence(from, from, socket);
    for (const [round, node] of [away, home, home, away].entries()) {
      await lose(cluster, lost);
      for (const n of [0, 1, 2]) from.emit("all", "n", `${round}.${n}`);
      expected.push(...[0, 1, 2].map((n) => `${round}.${n}`));
      await fence(from, from);
      await comeBack(lost, node);
      assert.equal(socket.recovered, true);
      assert.equal(socket.id, id);
    }
    await fence(from, socket);
    assert.deepEqual(list.values, expected);
  });

  both("who missed nothing comes back, too", async (t, home, away) => {
    const lost = await traveller(t, home);
    const from = await connect(t, away);
    await fence(from, lost.socket);
    const { id } = lost.socket;
    await lose(cluster, lost);
    await comeBack(lost, away);
    assert.deepEqual([lost.socket.recovered, lost.socket.id], [true, id]);
  });

  both("200 missed events arrive once each and in order", async (t, home, away) => {
    const lost = await traveller(t, home);
    const { socket } = lost;
    const [here, there] = [await connect(t, home), await connect(t, away)];
    const list = collect(socket, "n");
    await fence(here, here, there, socket);
    await lose(cluster, lost);
    const witness = collect(there, "n");
    for (let n = 0; n < 100; n += 1) {
      here.emit("all", "n", `here ${n}`);
      there.emit("all", "n", `there ${n}`);
    }
    await witness.reach(200);
    await comeBack(lost, away);
    assert.equal(socket.recovered, true);
    await list.reach(200);
    await fence(here, socket);
    // The reference's nodes send what is their own out of the log's order.
    if (away.kind === "sio") assert.deepEqual(list.values, witness.values);
    for (const who of ["here", "there"]) {
      const own = list.values.filter((value) => value.startsWith(who));
      assert.deepEqual(own, Array.from({ length: 100 }, (_, n) => `${who} ${n}`));
    }
    assert.equal(list.values.length, 200);
  });

  // A node of the reference repeats or leaves out what it reads while the client returns.
  if (cluster.kinds.includes("sio")) {
    both("events before and after the return are one row without gaps", async (t, home, away) => {
      const lost = await traveller(t, home);
      const { socket } = lost;
      const from = await connect(t, home);
      const list = collect(socket, "n");
      const witness = collect(from, "n");
      await fence(from, from, socket);
      let n = 0;
      let going = true;
      const talk = (async () => {
        while (going) {
          from.emit("all", "n", (n += 1));
          await call(from, "whoami");
        }
      })();
      const ours = [away, home, away].filter((node) => node.kind === "sio");
      for (const node of ours) {
        await lose(cluster, lost);
        await comeBack(lost, node);
        assert.equal(socket.recovered, true);
      }
      going = false;
      await talk;
      await fence(from, from, socket);
      assert.deepEqual(list.values, witness.values);
      assert.equal(list.values.length, n);
    });
  }

  both("each namespace comes back by itself", async (t, home, away) => {
    const lost = await traveller(t, home, { ns: "/custom" });
    const { socket } = lost;
    const [custom, root] = [await connect(t, home, { ns: "/custom" }), await connect(t, home)];
    const list = collect(socket, "n");
    await fence(custom, socket);
    const { id } = socket;
    await lose(cluster, lost);
    custom.emit("all", "n", "custom");
    root.emit("all", "n", "root");
    await Promise.all([fence(custom, custom), fence(root, root)]);
    await comeBack(lost, away);
    await fence(custom, socket);
    assert.deepEqual([socket.recovered, socket.id, list.values], [true, id, ["custom"]]);
  });

  both("a session is taken once", async (t, home, away) => {
    const lost = await traveller(t, home);
    const from = await connect(t, home);
    await fence(from, lost.socket);
    const { id, _pid: pid, _lastOffset: offset } = lost.socket;
    lost.proxy.cut();
    await saved(cluster, pid);
    const first = await connect(t, away, { auth: { pid, offset } });
    assert.equal(first.id, id);
    assert.equal((await ask(first, "recall")).recovered, true);
    const second = await connect(t, away, { auth: { pid, offset } });
    assert.notEqual(second.id, id);
    assert.equal((await ask(second, "recall")).recovered, false);
  });

  both("what cannot be found is a new session", async (t, home, away) => {
    const lost = await traveller(t, home);
    const from = await connect(t, home);
    await fence(from, lost.socket);
    const { id, _pid: pid, _lastOffset: offset } = lost.socket;
    lost.proxy.cut();
    await saved(cluster, pid);
    const strange = [
      { pid: "unknown", offset },
      { pid: 1, offset },
      { pid, offset: "no offset" },
      { pid, offset: 1 },
      { pid },
    ];
    for (const auth of strange) {
      const socket = await connect(t, away, { auth });
      assert.notEqual(socket.id, id);
      assert.equal((await ask(socket, "recall")).recovered, false);
    }
    const unknown = await connect(t, away, { auth: { pid, offset: "1-1" } });
    assert.notEqual(unknown.id, id);
  });

  both("who left or was sent away does not come back", async (t, home, away) => {
    const [left, kicked] = [await connect(t, home), await connect(t, home)];
    const from = await connect(t, away);
    await fence(from, left, kicked);
    await call(kicked, "join", "out");
    const pids = [left, kicked].map((socket) => ({ pid: socket._pid, offset: socket._lastOffset, id: socket.id }));
    left.disconnect();
    const gone = next(kicked, "disconnect");
    from.emit("kick", "out");
    await gone;
    for (const { pid, offset, id } of pids) {
      await until(async () => (await ask(from, "fetch", id)).length === 0, "gone");
      const socket = await connect(t, away, { auth: { pid, offset } });
      assert.notEqual(socket.id, id);
    }
  });
}));
