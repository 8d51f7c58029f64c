// The example examples/cluster as its launcher runs it: two nodes in Rust, one in Node.js, Redis, nginx.
//
// People come through nginx, each with the cookie that keeps them on their node.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";
import { parse } from "yaml";
import { MODES, said, start, within } from "./harness.mjs";

const EXAMPLE = new URL("../../examples/cluster/", import.meta.url);
const NODES = ["js-1", "rust-1", "rust-2"];
/** Installing packages takes time where they are not there yet. */
const START_MS = 120_000;

/** Calls `check` until it throws no more; fails with its last failure. */
async function eventually(check, ms = 10_000) {
  for (const end = Date.now() + ms; ; ) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await pause(20);
    }
  }
}


describe("examples/cluster", { timeout: 300_000 }, () => {
  let example;
  let url;
  let rooms = 0;
  let people = 0;

  before(async () => {
    const script = fileURLToPath(new URL("run.mjs", EXAMPLE));
    example = start(process.execPath, [script], { env: { ...process.env, PORT: "0" } });
    [, url] = await said(example, /^listening on (http:\S+)$/m, START_MS);
  });
  after(() => example?.stop());

  /** Somebody in a room: what they read and whom they see, put together as the page does. */
  async function enter(t, nick, room, mode = "upgrade") {
    const socket = io(url, {
      transports: MODES[mode],
      withCredentials: true,
      forceNew: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 200,
    });
    t.after(() => socket.disconnect());
    const person = { socket, nick, node: undefined, lines: [], typing: [], members: new Map() };
    socket.on("line", (line, where) => where === room && person.lines.push(line));
    socket.on("members", (members, where, node) => where === room && person.members.set(node, members));
    socket.on("typing", (what) => person.typing.push(what));
    person.texts = () => person.lines.filter((line) => !line.system).map((line) => line.text);
    person.sees = () => [...person.members.values()].flat().sort();
    person.say = (text) => within(socket.emitWithAck("say", text), `answer to ${text}`);
    if (!socket.connected) await within(once(socket, "connect"), "connect");
    person.answer = await within(socket.emitWithAck("join", { nick, room }), "answer to join");
    if (person.answer.error) return person;
    person.node = person.answer.node;
    for (const [node, members] of Object.entries(person.answer.elsewhere)) {
      if (!person.members.has(node)) person.members.set(node, members);
    }
    person.members.set(person.node, person.answer.members);
    return person;
  }

  /** One person on each node, in one room. nginx spreads by chance, so some go again. */
  async function oneOnEach(t, room, mode) {
    const found = new Map();
    for (let tries = 1; found.size < NODES.length; tries += 1) {
      assert.ok(tries <= 60, `only ${[...found.keys()]} after 60 people`);
      const person = await enter(t, `person ${(people += 1)}`, room, mode);
      assert.equal(person.answer.error, undefined);
      if (found.has(person.node)) person.socket.disconnect();
      else found.set(person.node, person);
    }
    return NODES.map((node) => found.get(node));
  }

  for (const mode of ["polling", "upgrade"]) {
    test(`people on three nodes chat with each other [${mode}]`, async (t) => {
      const room = `room ${(rooms += 1)}`;
      const people = await oneOnEach(t, room, mode);
      const texts = [];
      for (const person of people) {
        const text = `hello from ${person.node}`;
        const line = await person.say(text);
        assert.equal(line.nick, person.nick);
        texts.push(text);
        for (const reader of people) {
          await eventually(() => assert.deepEqual(reader.texts(), texts, `on ${reader.node}`));
        }
      }
      const ids = (person) => person.lines.filter((line) => !line.system).map((line) => line.id);
      for (const reader of people) assert.deepEqual(ids(reader), ids(people[0]));

      people[0].socket.emit("typing", true);
      for (const reader of people.slice(1)) {
        await eventually(() => assert.deepEqual(reader.typing, [{ nick: people[0].nick, on: true }]));
      }
    });
  }

  test("everybody sees who is in the room on any node, and who left", async (t) => {
    const room = `room ${(rooms += 1)}`;
    const people = await oneOnEach(t, room);
    const names = people.map((person) => person.nick).sort();
    for (const person of people) {
      await eventually(() => assert.deepEqual(person.sees(), names, `on ${person.node}`));
    }
    const [gone, ...rest] = people;
    gone.socket.disconnect();
    const left = names.filter((name) => name !== gone.nick);
    for (const person of rest) {
      await eventually(() => assert.deepEqual(person.sees(), left, `on ${person.node}`));
    }
  });

  test("who joins reads what was said on all nodes, in order", async (t) => {
    const room = `room ${(rooms += 1)}`;
    const people = await oneOnEach(t, room);
    const texts = [];
    for (const round of [1, 2]) {
      for (const person of people) {
        await person.say(`${person.node} ${round}`);
        texts.push(`${person.node} ${round}`);
      }
    }
    // Whichever node the late ones come to.
    for (const late of await oneOnEach(t, room)) {
      const history = late.answer.history.filter((line) => !line.system).map((line) => line.text);
      assert.deepEqual(history, texts, `on ${late.node}`);
    }
  });

  test("a nickname in use on another node is refused", async (t) => {
    const room = `room ${(rooms += 1)}`;
    const [first, ...others] = await oneOnEach(t, room);
    for (const other of others) {
      const wish = { nick: first.nick, room };
      const answer = await within(other.socket.emitWithAck("join", wish), "answer");
      assert.equal(answer.error?.code, "nick_taken", `on ${other.node}`);
    }
  });

  test("a notice by HTTP reaches the room on all nodes", async (t) => {
    const room = `room ${(rooms += 1)}`;
    const people = await oneOnEach(t, room);
    const [, rust] = /rust-1 +listening on (\S+)/.exec(example.output);
    const address = `${rust}/api/rooms/${encodeURIComponent(room)}/notice`;
    const answer = await fetch(address, { method: "POST", body: "back at noon" });
    assert.equal(answer.status, 200);
    for (const person of people) {
      const notices = () => person.lines.filter((line) => line.text === "back at noon").length;
      await eventually(() => assert.equal(notices(), 1, `on ${person.node}`));
    }
    const list = await (await fetch(`${rust}/api/rooms`)).json();
    assert.equal(list.find((entry) => entry.room === room).members, 3);
  });

  test("while Redis is away each node goes on, and all of them together afterwards", async (t) => {
    const room = `room ${(rooms += 1)}`;
    const [js, rust] = await oneOnEach(t, room);
    process.kill(Number(/^redis +started as process (\d+)$/m.exec(example.output)[1]), "SIGKILL");
    await said(example, /^redis +ended with SIGKILL$/m);
    for (const person of [js, rust]) {
      await person.say(`${person.node} alone`);
      await eventually(() => assert.ok(person.texts().includes(`${person.node} alone`)));
    }
    assert.doesNotMatch(example.output, /^redis +is back$/m, "nobody waited for Redis");
    await said(example, /^redis +is back$/m);
    // Nodes come back at their own pace; what is said while one is away is lost to it.
    let number = 0;
    await eventually(async () => {
      const text = `together ${(number += 1)}`;
      await Promise.all([js.say(`js ${text}`), rust.say(`rust ${text}`)]);
      await eventually(() => {
        assert.ok(js.texts().includes(`rust ${text}`) && rust.texts().includes(`js ${text}`));
      }, 300);
    }, 15_000);
    for (const person of [js, rust]) {
      const texts = person.texts().filter((text) => text.startsWith("rust"));
      assert.equal(new Set(texts).size, texts.length, "nothing came twice");
    }
  });

  test("people of a node that is killed come back", async (t) => {
    const room = `room ${(rooms += 1)}`;
    const people = await oneOnEach(t, room);
    const rust = people.find((person) => person.node === "rust-1");
    const back = within(once(rust.socket, "connect"), "connection to another node", 20_000);
    process.kill(Number(/^rust-1 +started as process (\d+)$/m.exec(example.output)[1]), "SIGKILL");
    await back;
    const answer = await within(rust.socket.emitWithAck("join", { nick: rust.nick, room }), "answer");
    assert.equal(answer.error, undefined);
    await rust.say("here again");
    for (const person of people) {
      await eventually(() => assert.ok(person.texts().includes("here again"), `on ${person.node}`));
    }
    await said(example, /^rust-1 +is back$/m);
  });

  test("the page comes from every node", async () => {
    for (const [, node] of example.output.matchAll(/^\S+ +listening on (http:\S+)$/gm)) {
      for (const file of ["/", "/chat.js", "/style.css", "/health", "/socket.io/socket.io.js"]) {
        assert.equal((await fetch(node + file)).status, 200, node + file);
      }
    }
    assert.equal((await fetch(url)).status, 200);
  });

  test("the containers' description names what there is", async () => {
    const { services } = parse(await readFile(new URL("compose.yaml", EXAMPLE), "utf8"), { merge: true });
    assert.deepEqual(Object.keys(services), ["redis", "rust-1", "rust-2", "js-1", "nginx"]);
    const upstream = await readFile(new URL("nginx.conf", EXAMPLE), "utf8");
    for (const name of NODES) {
      const { environment, build, hostname } = services[name];
      assert.equal(environment.NODE_NAME, name);
      assert.equal(hostname, name);
      assert.match(upstream, new RegExp(`server ${name}:${environment.PORT};`));
      await readFile(new URL(build.dockerfile, new URL(`${build.context}/`, EXAMPLE)));
    }
    for (const volume of services.nginx.volumes) {
      await readFile(new URL(volume.split(":")[0], EXAMPLE));
    }
  });

  // Last: nothing is left to run for the others.
  test("SIGTERM ends all programs and removes what was written", async () => {
    const mine = [...example.output.matchAll(/^\S+ +listening on http:\/\/127\.0\.0\.1:(\d+)$/gm)];
    assert.ok(mine.length >= 3);
    assert.equal(await example.stop(), 0, example.output);
    for (const [, port] of mine) {
      await assert.rejects(fetch(`http://127.0.0.1:${port}/health`), "the port is free again");
    }
    assert.match(example.output, /^all +stopped$/m);
    assert.doesNotMatch(example.output, /does not end/);
    example = undefined;
  });
});
