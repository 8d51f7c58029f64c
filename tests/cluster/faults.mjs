// What the tests of faults have in common: events with numbers, traffic that needs no other node, requests that end.
import assert from "node:assert/strict";
import { call, collect, connect, next } from "./clients.mjs";
import { until, within } from "./waits.mjs";

/** For requests that name no time of their own, where the mode lets it be set. */
export const REQUESTS_TIMEOUT = 1000;
export const FLAGS = ["--requests-timeout", String(REQUESTS_TIMEOUT)];

/** Modes with faults of their own; the others differ only in what they subscribe. */
export const FAULT_MODES = ["classic", "sharded dynamic", "streams", "streams without recovery"];

const ROUNDS = 100;
/** For a hundred events to clients of the same node, over both transports. */
const LOCAL_LIMIT = 1000;

let numbers = 0;

/** Each call another value: what arrives twice shows. */
export const fresh = (what) => `${what} ${(numbers += 1)}`;

/** Clients of one node, of both transports, which note every event `n`. */
export async function audience(t, node) {
  const web = await connect(t, node);
  const polling = await connect(t, node, { transport: "polling" });
  const lists = [web, polling].map((socket) => collect(socket, "n"));
  for (const socket of [web, polling]) {
    socket.on("q", (p, ack) => ack(p));
    await call(socket, "join", "fault");
  }
  return { node, web, polling, lists };
}

/** No event was delivered twice. */
export function assertOnce({ node, lists }) {
  for (const { values } of lists) {
    const twice = values.filter((value, i) => values.indexOf(value) !== i);
    assert.deepEqual(twice, [], `delivered twice by the ${node.kind} node ${node.port}`);
  }
}

/** Events, rooms and acks among the clients of one node go on at their usual speed. */
export async function assertLocalTraffic(t, { node, web, polling }) {
  const start = performance.now();
  for (let round = 0; round < ROUNDS; round += 1) {
    const value = fresh("local");
    const [event, ...target] = [["all"], ["room", "fault"], ["others"]][round % 3];
    const readers = event === "others" ? [polling] : [web, polling];
    const arrived = readers.map((socket) => next(socket, "n", { where: (n) => n === value }));
    web.emit(event, ...target, "n", value);
    await Promise.all(arrived);
  }
  const took = performance.now() - start;
  assert.ok(took < LOCAL_LIMIT, `${ROUNDS} local events took ${Math.round(took)} ms`);
  // Who comes now is served, too.
  const late = await connect(t, node);
  await call(late, "join", fresh("room"));
  assert.equal((await call(late, "whoami"))[0].node, String(node.port));
}

/** What a request without Redis comes to, which names who is missing or what is. */
const CLEAR = /^(timeout reached: |operation has timed out|the cluster cannot be reached: ).*/;

/** Requests that cannot be answered by all end in time, and say why; local answers are kept. */
export async function assertRequestsEnd({ node, web, polling }) {
  const start = performance.now();
  const [fetched, answered, asked] = await within(
    Promise.all([call(web, "fetch", null), call(polling, "sse", 1), call(web, "ask", "q", "x")]),
    "end of the requests",
  );
  const took = performance.now() - start;
  assert.ok(took < REQUESTS_TIMEOUT + 1500, `requests of ${node.kind} took ${Math.round(took)} ms`);
  assert.match(String(fetched[1]), CLEAR, "fetch");
  assert.match(String(answered[1]), CLEAR, "sse");
  assert.match(String(asked[0].err), CLEAR, "ask");
  // The clients of the node itself have answered.
  assert.deepEqual(asked[0].answers, ["x", "x"]);
}

/** Each of the audiences hears each, in events for all and in rooms; nothing came twice until then. */
export async function assertTogether(cluster, audiences) {
  await cluster.meet();
  for (const { web } of audiences) {
    for (const target of [["all"], ["room", "fault"]]) {
      const value = fresh("together");
      const sockets = audiences.flatMap((other) => [other.web, other.polling]);
      const arrived = sockets.map((socket) => next(socket, "n", { where: (n) => n === value }));
      web.emit(...target, "n", value);
      await Promise.all(arrived);
    }
  }
  audiences.forEach(assertOnce);
}

/** A room that was joined during the fault is heard in the end. */
export async function assertHeardInRoom(cluster, from, audiences, room) {
  // The reference does not subscribe again what failed to be subscribed.
  const sure = ({ node }) => node.kind === "sio" || !cluster.mode.startsWith("sharded");
  const members = audiences.filter(sure).flatMap(({ web, polling }) => [web, polling]);
  const event = fresh("in room");
  const by = new Set();
  for (const socket of members) socket.on(event, () => by.add(socket));
  await until(async () => {
    from.emit("room", room, event, null);
    await call(from, "whoami");
    return by.size === members.length;
  }, `room ${room} heard by all ${members.length} members`);
}
