// examples/ai-stream as its launcher runs it: words have to come one by one, whichever way they take.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, afterEach, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import { eventually, launchBrowser, openPage, startExample, within } from "./programs.mjs";

/** Time between two words of the built-in generator, in milliseconds. */
const PACE = 40;
const TOKEN = "demo-token";
/** As the page sends it. */
const TASK = {
  task_id: 123,
  info: {
    outline: [
      {
        children: [],
        header: "Tea",
        keypoint: "the water, and how long one waits, and who is there to drink it",
        no_output: false,
        paragraph_id: "aaabbb1",
        paragraph_instruction: "in simple words that everybody understands at once",
      },
    ],
    tags: [],
    docs: [],
    title: "How to make tea",
    instruction: "",
  },
};
const TEXT =
  "How to make tea. Tea: what matters here is the water, and how long one waits, and who is there to drink it, " +
  "told in simple words that everybody understands at once.";

/**
 * Fails unless what was asked for at `start` came at these times as it was written: spread over the time that writing
 * takes, and in many portions. A busy machine may put some words together, most of all where each has to be fetched.
 */
function assertOneByOne(start, times) {
  const written = times.length * PACE;
  const spread = times.at(-1) - times[0];
  assert.ok(spread > written / 2, `${times.length} words within ${spread} ms, written in ${written} ms`);
  const gaps = times.map((time, index) => time - (times[index - 1] ?? start));
  const portions = gaps.filter((gap) => gap > PACE / 4).length;
  assert.ok(portions > times.length / 6, `${times.length} words in ${portions} portions: ${gaps}`);
  const longest = Math.max(...gaps);
  assert.ok(longest < written / 2, `nothing for ${longest} of ${written} ms: ${gaps}`);
}

test("words in one lump, in a few lumps, and behind a pause are told from words one by one", () => {
  const steady = Array.from({ length: 30 }, (_, index) => (index + 1) * PACE);
  const together = (size) => steady.map((time) => Math.ceil(time / size / PACE) * size * PACE);
  assertOneByOne(0, steady);
  assertOneByOne(0, together(3));
  assert.throws(() => assertOneByOne(0, together(30)), /within 0 ms/);
  assert.throws(() => assertOneByOne(0, together(6)), /in 5 portions/);
  assert.throws(() => assertOneByOne(-700, steady), /nothing for 740/);
});

describe("examples/ai-stream", { timeout: 300_000 }, () => {
  let example;
  const ways = {};

  before(async () => {
    example = await startExample("ai-stream");
    ways.directly = example.address("server");
    ways["through Vite's dev server"] = example.address("page");
    ways["through nginx"] = example.url;
    assert.equal(new Set(Object.values(ways)).size, 3, example.output());
  });
  after(() => example?.stop());

  /** A client outside of a browser, which can send the token in a header with either transport. */
  async function connect(t, url, transports) {
    const socket = io(`${url}/chat`, {
      extraHeaders: { Authorization: `Bearer ${TOKEN}` },
      forceNew: true,
      reconnectionDelay: 100,
      transports,
    });
    t.after(() => socket.disconnect());
    await within(once(socket, "connect"), "connect");
    return socket;
  }

  /** What comes, and when; `whole` resolves when the text is there. */
  function read(socket) {
    const reading = { indices: [], start: performance.now(), times: [], text: "" };
    socket.on("estimate_response", ({ task_id, index, data }) => {
      assert.equal(task_id, TASK.task_id);
      reading.indices.push(index);
      reading.times.push(performance.now());
      reading.text += data;
    });
    reading.whole = () => within(once(socket, "estimate_done"), "end of the text");
    return reading;
  }

  const transports = { "with WebSocket": ["polling", "websocket"], "with polling only": ["polling"] };
  for (const way of ["directly", "through Vite's dev server", "through nginx"]) {
    for (const [kind, names] of Object.entries(transports)) {
      test(`words come one by one, ${way}, ${kind}`, async (t) => {
        const socket = await connect(t, ways[way], names);
        await eventually(() => socket.io.engine.transport.name === names.at(-1));
        const reading = read(socket);
        const whole = reading.whole();
        socket.emit("estimate", TASK);
        const [outcome] = await whole;
        assert.deepEqual(outcome, { task_id: 123, pieces: reading.times.length, cancelled: false });
        assert.equal(reading.text, TEXT);
        assert.equal(socket.io.engine.transport.name, names.at(-1));
        assertOneByOne(reading.start, reading.times);
      });
    }

    test(`no word is missing, and none comes twice, after the connection broke, ${way}`, async (t) => {
      const socket = await connect(t, ways[way], ["websocket"]);
      const reading = read(socket);
      const whole = reading.whole();
      socket.emit("estimate", TASK);
      await eventually(() => reading.indices.length > 3);
      const back = within(once(socket, "connect"), "connection");
      // No goodbye: as when the network goes away.
      socket.io.engine.transport.ws.terminate();
      const [reason] = await within(once(socket, "disconnect"), "end of the connection");
      assert.equal(reason, "transport close");
      await back;
      assert.equal(socket.recovered, true);
      assert.equal(await whole.then(([outcome]) => outcome.cancelled), false);
      assert.deepEqual(reading.indices, [...reading.indices.keys()]);
      assert.equal(reading.text, TEXT);
    });
  }

  test("a wrong token is refused, in a header and in auth", async (t) => {
    const wrong = [{ extraHeaders: { Authorization: "Bearer wrong" } }, { auth: { token: "wrong" } }, {}];
    for (const options of wrong) {
      for (const url of Object.values(ways)) {
        const socket = io(`${url}/chat`, { ...options, forceNew: true });
        t.after(() => socket.disconnect());
        socket.on("connect", () => assert.fail("connected"));
        const [error] = await within(once(socket, "connect_error"), "refusal");
        assert.equal(error.message, "unauthorized");
      }
    }
  });

  test("SIGTERM ends all programs", async () => {
    const other = await startExample("ai-stream");
    assert.equal(await other.stop(), 0, other.output());
    for (const url of [other.url, other.address("page"), other.address("server")]) {
      await assert.rejects(fetch(url), "the port is free again");
    }
  });

  describe("the page", () => {
    let browser;
    let opened = [];

    before(async () => {
      browser = await launchBrowser();
    });
    after(() => browser?.close());
    afterEach(async () => {
      const problems = opened.flatMap(({ problems }) => problems);
      await Promise.all(opened.map(({ close }) => close()));
      opened = [];
      // A poll that was on its way when its client went is answered with 400 by any server.
      const own = problems.filter((problem) => !/status of 400/.test(problem));
      assert.deepEqual(own, [], "no error on any page");
    });

    /** Somebody who sees the page, and when each word came to be on it. */
    async function visit(url, query = "") {
      const visitor = await openPage(browser, `${url}/${query}`);
      opened.push(visitor);
      const { page } = visitor;
      await state(page, "connected");
      await page.evaluate(() => {
        window.times = [];
        document.querySelector("#start").addEventListener("click", () => (window.start = performance.now()));
        const note = () => window.times.push(performance.now());
        new MutationObserver(note).observe(document.querySelector("#text"), {
          characterData: true,
          childList: true,
          subtree: true,
        });
      });
      return page;
    }

    const state = (page, text) => page.locator("#state").getByText(text, { exact: true }).waitFor();
    const text = (page) => page.textContent("#text");
    const words = async (page) => (await text(page)).trim().split(" ").length;
    const isDone = (page) => page.locator("#start:enabled").waitFor();

    for (const way of ["through Vite's dev server", "through nginx"]) {
      for (const [kind, names] of Object.entries(transports)) {
        test(`shows words one by one, ${way}, ${kind}`, async () => {
          const page = await visit(ways[way], `?transports=${names}`);
          await page.click("#start");
          await isDone(page);
          assert.match(await text(page), /^How to make tea\. .*\.$/);
          const { start, times } = await page.evaluate(() => ({ start: window.start, times: window.times }));
          assertOneByOne(start, times);
        });
      }
    }

    test("stops at the button", async () => {
      const page = await visit(example.url);
      await page.click("#start");
      await eventually(async () => (await words(page)) > 3);
      await page.click("#stop");
      await isDone(page);
      const stopped = await text(page);
      await page.click("#start");
      await isDone(page);
      const whole = await text(page);
      assert.ok(whole.startsWith(stopped), "nothing came behind the stop");
      assert.ok(whole.length > stopped.length, "it was stopped before its end");
    });

    test("has every word once when its connection was cut, and the button still stops", async () => {
      const page = await visit(example.url);
      await page.click("#start");
      await isDone(page);
      const whole = await text(page);

      await page.click("#start");
      await eventually(async () => (await words(page)) > 3);
      await page.click("#cut");
      await state(page, "connected again");
      await isDone(page);
      assert.equal(await text(page), whole);

      await page.click("#start");
      await eventually(async () => (await words(page)) > 3);
      await page.click("#stop");
      await isDone(page);
      assert.notEqual(await text(page), whole);
    });

    test("tells that a token is wrong, and takes the right one", async () => {
      const page = await visit(example.url);
      await page.fill("#token", "wrong");
      await state(page, "unauthorized");
      await page.fill("#token", TOKEN);
      await state(page, "connected");
    });
  });
});
