// examples/progress as its launcher runs it: the page of another origin, in Chromium.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, afterEach, before, describe, test } from "node:test";
import { eventually, launchBrowser, openPage, startExample } from "./programs.mjs";

const CHUNK = 64 * 1024;

describe("examples/progress", { timeout: 300_000 }, () => {
  let example;
  let browser;
  let visitor;

  before(async () => {
    example = await startExample("progress");
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await example?.stop();
  });
  afterEach(async () => {
    const { page, problems, close } = visitor;
    // A page that goes while its connection is upgraded is missed at the next heartbeat only: it says goodbye.
    if (await page.isEnabled("#disconnect")) await page.click("#disconnect");
    await noJobs();
    await close();
    assert.deepEqual(problems, [], "no error on the page");
  });

  async function visit() {
    visitor = await openPage(browser, example.url);
    assert.notEqual(example.url, example.address("server"), "the page is of another origin");
    return visitor.page;
  }

  async function connect(page) {
    await page.click("#connect");
    await page.locator("#disconnect:enabled").waitFor();
    await message(page, "Connected!").last().waitFor();
  }

  const jobs = async () => Number(await (await fetch(`${example.address("server")}/jobs`)).text());
  // Sooner than a job ends by itself.
  const noJobs = () => eventually(async () => assert.equal(await jobs(), 0, "a job outlives its connection"), 5_000);
  const message = (page, text) => page.locator("#messages li").getByText(text, { exact: true });
  const messages = (page) => page.locator("#messages li").allTextContents();
  const progress = async (page) => Number.parseInt(await page.textContent("#progress"), 10);

  test("the buttons connect and disconnect, and the job goes with its connection", async () => {
    const page = await visit();
    assert.equal(await page.isDisabled("#disconnect"), true);
    assert.equal(await jobs(), 0);

    await connect(page);
    assert.equal(await page.isDisabled("#connect"), true);
    await eventually(async () => (await progress(page)) > 5);
    assert.equal(await jobs(), 1);

    await page.click("#disconnect");
    await message(page, "Disconnected: io client disconnect").waitFor();
    await noJobs();
    assert.equal(await page.isDisabled("#file"), true);

    await connect(page);
    // The next connection has a job of its own.
    await message(page, "0%: this could be a log").nth(1).waitFor();
    assert.equal(await jobs(), 1);
  });

  test("progress and logs come one by one until the job is done", async () => {
    const page = await visit();
    await page.evaluate(() => {
      window.seen = [];
      const element = document.querySelector("#progress");
      const note = () => window.seen.push([performance.now(), parseInt(element.textContent, 10)]);
      new MutationObserver(note).observe(element, { characterData: true, childList: true, subtree: true });
    });
    await connect(page);
    await message(page, "Done").waitFor();
    await message(page, "Disconnected: io server disconnect").waitFor();
    assert.equal(await page.isDisabled("#connect"), false);

    const seen = await page.evaluate(() => window.seen);
    assert.equal(await progress(page), 100);
    const times = seen.map(([time]) => time);
    assert.ok(times.at(-1) - times[0] > 5_000, "the job takes ten seconds");
    // A busy browser may skip some.
    assert.ok(seen.length > 50, `${seen.length} steps`);
    assert.ok(seen.every(([, percent], index) => index === 0 || percent > seen[index - 1][1]), "it only grows");
    const logs = (await messages(page)).filter((text) => text.endsWith("log"));
    assert.deepEqual(
      logs,
      Array.from({ length: 101 }, (_, percent) => `${percent}%: this could be a log`),
    );
  });

  test("what one sends is echoed", async () => {
    const page = await visit();
    await connect(page);
    await page.fill("#text", "hello <b>& goodbye</b>");
    await page.press("#text", "Enter");
    await message(page, "[Echo] You sent -> hello <b>& goodbye</b>").waitFor();
    assert.equal(await page.inputValue("#text"), "");
  });

  test("a file that the server does not want is refused, and the next one is taken", async () => {
    const page = await visit();
    await connect(page);
    const empty = { name: "empty.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(0) };
    await page.setInputFiles("#file", empty);
    await page.getByText("empty.bin is empty or too large", { exact: true }).waitFor();
    await page.setInputFiles("#file", { ...empty, name: "small.bin", buffer: Buffer.from("small") });
    await page.locator("#uploaded").getByText("100%, SHA-256 ").waitFor();
  });

  test("a file arrives as binary, piece by piece, and as it was", async () => {
    const page = await visit();
    const frames = [];
    page.on("websocket", (socket) => {
      socket.on("framesent", ({ payload }) => Buffer.isBuffer(payload) && frames.push(payload.length));
    });
    await connect(page);
    await page.evaluate(() => {
      window.seen = [];
      const element = document.querySelector("#uploaded");
      const note = () => window.seen.push(element.textContent);
      new MutationObserver(note).observe(element, { characterData: true, childList: true, subtree: true });
    });
    // The upgrade is over: from here on there are no polls.
    await eventually(async () => (await progress(page)) > 5);
    const buffer = randomBytes(8 * CHUNK + 123);
    await page.setInputFiles("#file", { name: "a.bin", mimeType: "application/octet-stream", buffer });
    const hash = createHash("sha256").update(buffer).digest("hex");
    await page.locator("#uploaded").getByText(`100%, SHA-256 ${hash}`, { exact: true }).waitFor();

    const seen = await page.evaluate(() => window.seen);
    const percents = seen.slice(0, -1).map((text) => Number.parseInt(text, 10));
    const sorted = percents.toSorted((one, other) => one - other);
    assert.deepEqual(percents, sorted, "it only grows");
    assert.ok(percents.filter((percent) => percent > 0 && percent < 100).length > 3, `${percents}`);
    assert.deepEqual(frames, [...Array(8).fill(CHUNK), 123]);
  });
});
