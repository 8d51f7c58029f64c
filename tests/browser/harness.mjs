// What the browser tests share: a server program on a free port, a headless browser, waiting.
//
// Every wait has a deadline, and everything that is started is ended by its process id.
//
//   const server = await startServer(binary("chat"));
//   const browser = await launchBrowser();
//   const { page, problems } = await openPage(browser, server.url);
//   await expectEventually(async () => assert.equal(await page.title(), "chat"));
//   await browser.close();
//   await server.stop();

import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "playwright-core";

const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];
// No sandbox: the tests may run as root. No background traffic: the tests may run without a network.
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Servers that run now; whatever is left when the tests end is ended with them. */
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** The path of a program of this workspace, built beforehand. */
export function binary(name) {
  const dir = process.env.SIO_BIN_DIR;
  if (!dir) throw new Error("SIO_BIN_DIR is not set: run `cargo xtask test --only browser`");
  return path.join(dir, name);
}

/**
 * Starts a server and waits for its line that begins with `listening` and holds its address; one that says it in
 * other words brings `ready`, which finds the address in the output. The server is told through PORT=0 to take a
 * free port.
 */
export async function startServer(program, { args = [], env = {}, ms = 20_000, ready = addressIn } = {}) {
  const child = spawn(program, args, {
    env: { ...process.env, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let output = "";
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve(`does not start: ${error.message}`));
    child.once("exit", (code, signal) => resolve(`exited with ${code ?? signal}`));
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  ended.then(() => running.delete(child));
  const stop = () => stopChild(child, ended);
  const listening = new Promise((resolve) => {
    const read = (chunk) => {
      output += chunk;
      const url = ready(output);
      if (url) resolve({ url });
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
  });
  const first = Promise.race([listening, ended.then((why) => ({ why }))]);
  const outcome = await within(ms, first, `no line that begins with \`listening\` within ${ms} ms`);
  if (!outcome.url) {
    await stop();
    // The last words may come after the end.
    await within(1_000, closed);
    throw new Error(`${program}: ${outcome.why}; its output:\n${output}`);
  }
  return { url: outcome.url, pid: child.pid, output: () => output, stop };
}

/** Asks the process to end, and ends it when it does not. Resolves to how it ended. */
async function stopChild(child, ended, ms = 5_000) {
  child.kill("SIGTERM");
  const outcome = await within(ms, ended);
  if (typeof outcome === "string") return outcome;
  child.kill("SIGKILL");
  return ended;
}

/** The address in the first complete line that begins with `listening`, fit for a browser. */
function addressIn(output) {
  const line = /^listening\b.*\n/m.exec(output)?.[0] ?? "";
  const [, scheme = "http://", host, port] =
    /(https?:\/\/)?(\[[0-9a-f:.]+\]|[\w.-]+):(\d+)/i.exec(line) ?? [];
  if (!port) return undefined;
  const any = host === "0.0.0.0" || host === "[::]";
  return `${scheme}${any ? "127.0.0.1" : host}:${port}`;
}

/** A headless browser with an empty profile of its own, removed when it closes. */
export function launchBrowser({ ms = 30_000 } = {}) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || findBrowser(),
    headless: true,
    args: FLAGS,
    timeout: ms,
  });
}

/**
 * Opens the address as a new visitor: nothing shared with other pages.
 * `problems` collects what the page throws and what it logs as an error.
 */
export async function openPage(browser, url, { ms = 10_000 } = {}) {
  const context = await browser.newContext();
  context.setDefaultTimeout(ms);
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(`thrown: ${error.message}`));
  page.on("console", (entry) => {
    if (entry.type() === "error") problems.push(`logged: ${entry.text()}`);
  });
  await page.goto(url);
  return { page, problems, close: () => context.close() };
}

/**
 * Calls `check` until it neither throws nor returns false, and resolves to what it returned.
 * Fails with its last failure when `ms` have passed, also while a call hangs.
 */
export async function expectEventually(check, ms = 10_000) {
  const end = Date.now() + ms;
  const unanswered = "the check did not answer";
  let last = { why: unanswered };
  while (Date.now() < end) {
    const attempt = Promise.resolve()
      .then(check)
      .then(
        (value) => (value === false ? { why: "returned false" } : { value }),
        (error) => ({ why: error?.message ?? String(error), error }),
      );
    const outcome = await within(end - Date.now(), attempt, unanswered);
    if ("value" in outcome) return outcome.value;
    if (outcome.why !== unanswered) last = outcome;
    await pause(Math.min(25, Math.max(0, end - Date.now())));
  }
  throw new Error(`not within ${ms} ms: ${last.why}`, { cause: last.error });
}

/** What `promise` resolves to, or `{ why }` when `ms` pass first; leaves no timer behind. */
async function within(ms, promise, why = "late") {
  const timer = new AbortController();
  const { signal } = timer;
  const late = pause(Math.max(0, ms), { why }, { signal }).catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

function findBrowser() {
  for (const dir of (process.env.PATH ?? "").split(path.delimiter)) {
    for (const name of BROWSERS) {
      const file = path.join(dir, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not in this folder.
      }
    }
  }
  throw new Error(`none of ${BROWSERS.join(", ")} is installed; CHROMIUM may name another path`);
}
