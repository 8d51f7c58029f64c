// Waits, each with a deadline.
import { setTimeout as pause } from "node:timers/promises";

/** Longest wait for one thing; only a failing test waits that long. */
export const DEADLINE = 8000;
/** Between two looks at something that tells nobody when it changes. */
const GLANCE = 20;

/** Rejects when `promise` has not settled in time; `seen` describes what happened instead. */
export async function within(promise, what, { ms = DEADLINE, seen = () => "" } = {}) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${ms} ms${seen()}`)), ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Looks again and again until the result counts as true, and resolves with it. A look that fails is repeated. */
export async function until(look, what, { ms = DEADLINE } = {}) {
  const end = Date.now() + ms;
  for (let last; ; ) {
    try {
      last = await within(look(), what, { ms: Math.max(1, end - Date.now()) });
      if (last) return last;
    } catch (error) {
      last = error.message;
    }
    if (Date.now() >= end) throw new Error(`not ${what} within ${ms} ms; last: ${JSON.stringify(last)}`);
    await pause(GLANCE);
  }
}
