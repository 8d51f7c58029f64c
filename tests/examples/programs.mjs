// What the tests of the examples share: programs, a headless browser, waiting.
//
// SIO_BIN_DIR names the folder of built programs; SIO_NGINX and CHROMIUM may name those programs. Every wait has a
// deadline, and everything that is started is ended by its process id.
//
//   const example = await startExample("ai-stream"); // its run.mjs, and all that starts
//   const server = await startProgram("auth"); // a program of the workspace alone
//   const browser = await launchBrowser();
//   const { page, problems } = await openPage(browser, example.url);
//   await eventually(async () => assert.equal(await page.textContent("#state"), "connected"));
//   await browser.close();
//   await example.stop();
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

/** Longest wait for one thing, in milliseconds; only a failing test waits that long. */
export const DEADLINE = 20_000;
/** Installing packages takes time where they are not there yet. */
const START_MS = 120_000;
const EXAMPLES = new URL("../../examples/", import.meta.url);
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

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGTERM");
});

/** Runs `examples/<name>/run.mjs` on free ports, and waits until it can be used. */
export function startExample(name, { env } = {}) {
  const script = fileURLToPath(new URL(`${name}/run.mjs`, EXAMPLES));
  return start(process.execPath, [script], { env });
}

/** Runs a program of this workspace, built beforehand, on a free port. */
export function startProgram(name, { env } = {}) {
  return start(path.join(process.env.SIO_BIN_DIR, name), [], { env });
}

/**
 * Starts a program and waits for its line `listening on http://…`. Of the result, `url` is that address, `output()`
 * what it has said, `address(name)` the first address in a line that begins with this name, and `stop()` ends it and
 * resolves to how it ended: exit status or signal.
 */
export async function start(program, args, { env = {}, ms = START_MS } = {}) {
  assert.ok(process.env.SIO_BIN_DIR, "set SIO_BIN_DIR, or run `cargo xtask test --only examples`");
  const child = spawn(program, args, {
    env: { ...process.env, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk) => (output += chunk));
  }
  let end;
  const ended = new Promise((resolve) => {
    child.once("close", (code, signal) => resolve((end = code ?? signal)));
    child.once("error", (error) => resolve((end = error.message)));
  });
  ended.then(() => running.delete(child));
  const stop = async () => {
    child.kill("SIGTERM");
    try {
      return await within(ended, `end of ${program}`);
    } finally {
      child.kill("SIGKILL");
    }
  };
  const address = (name) => new RegExp(`^${name}\\b.*?(https?://[\\w.]+:\\d+)`, "m").exec(output)?.[1];
  try {
    const url = await eventually(() => {
      if (end !== undefined) return undefined;
      return /^listening on (https?:\/\/[\w.]+:\d+)\n/m.exec(output)?.[1] ?? false;
    }, ms);
    assert.equal(end, undefined, "ended before it could be used");
    return { url, output: () => output, address, stop };
  } catch (error) {
    await stop();
    throw new Error(`${program}: ${error.message}; its output:\n${output}`, { cause: error });
  }
}

/** A headless browser with an empty profile of its own, removed when it closes. */
export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
    timeout: 60_000,
  });
}

/**
 * Opens the address as a new visitor: nothing shared with other pages.
 * `problems` collects what the page throws and what it logs as an error.
 */
export async function openPage(browser, url) {
  const context = await browser.newContext();
  context.setDefaultTimeout(DEADLINE);
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(`thrown: ${error.message}`));
  page.on("console", (entry) => {
    if (entry.type() === "error") problems.push(`logged: ${entry.text()}`);
  });
  await page.goto(url);
  return { context, page, problems, close: () => context.close() };
}

/** Calls `check` until it neither throws nor returns false; resolves to what it returned. */
export async function eventually(check, ms = DEADLINE) {
  for (const end = Date.now() + ms; ; ) {
    let failure = new Error("still false");
    try {
      const value = await within(Promise.resolve().then(check), "answer of the check", end - Date.now());
      if (value !== false) return value;
    } catch (error) {
      failure = error;
    }
    if (Date.now() >= end) throw new Error(`not within ${ms} ms: ${failure.message}`, { cause: failure });
    await pause(20);
  }
}

/** Rejects when `promise` has not settled in time. */
export async function within(promise, what, ms = DEADLINE) {
  const timer = new AbortController();
  const late = pause(ms, undefined, timer).then(
    () => Promise.reject(new Error(`no ${what} within ${ms} ms`)),
    () => {},
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}
