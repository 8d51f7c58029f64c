// examples/auth in Chromium: a page that logs in and out, and one of another origin.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually, launchBrowser, openPage, startProgram } from "./programs.mjs";

describe("examples/auth", { timeout: 180_000 }, () => {
  let server;
  let elsewhere;
  let browser;

  before(async () => {
    server = await startProgram("auth");
    elsewhere = await startProgram("raw-websocket");
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await Promise.all([server?.stop(), elsewhere?.stop()]);
  });

  async function logIn(page, name, password) {
    await page.fill("[name=name]", name);
    await page.fill("[name=password]", password);
    await page.click("#login button:not([type])");
  }

  // The login that is refused, and polls that were on their way when a client went: any server answers these with 400.
  const own = (problems) => problems.filter((problem) => !/status of 40[01]/.test(problem));
  const shows = (page, text) => eventually(async () => assert.equal(await page.textContent("#state"), text));
  const notes = (page) => page.locator("#notes li").allTextContents();

  test("without a login the page is told so, and a wrong password changes nothing", async () => {
    const { page, problems, close } = await openPage(browser, server.url);
    await shows(page, "not logged in");
    await logIn(page, "ada", "builder");
    await shows(page, "wrong name or password");
    await page.reload();
    await shows(page, "not logged in");
    await close();
    assert.deepEqual(own(problems), []);
  });

  test("a note reaches all pages of a user, and logging out ends them", async () => {
    const [ada, bob] = await Promise.all([0, 1].map(() => openPage(browser, server.url)));
    await logIn(ada.page, "ada", "lovelace");
    await logIn(bob.page, "bob", "builder");
    await shows(ada.page, "you are ada");
    await shows(bob.page, "you are bob");
    // Another tab has the same cookie.
    const second = await bob.context.newPage();
    await second.goto(server.url);
    await shows(second, "you are bob");

    await ada.page.fill("[name=to]", "bob");
    await ada.page.fill("[name=text]", "hello");
    await ada.page.click("#note button");
    for (const page of [bob.page, second]) {
      await eventually(async () => assert.deepEqual(await notes(page), ["ada: hello"]));
    }
    assert.deepEqual(await notes(ada.page), []);

    await bob.page.click("#logout");
    await shows(bob.page, "io server disconnect");
    await shows(second, "io server disconnect");
    await bob.page.reload();
    await shows(bob.page, "not logged in");
    await shows(ada.page, "you are ada");
    for (const { close, problems } of [ada, bob]) {
      await close();
      assert.deepEqual(own(problems), []);
    }
  });

  test("a page of another origin does not speak for its visitor", async () => {
    const { context, page, close } = await openPage(browser, server.url);
    await logIn(page, "ada", "lovelace");
    await shows(page, "you are ada");
    // To browsers another port is another origin of the same site: they send the cookie along.
    const foreign = await context.newPage();
    await foreign.goto(elsewhere.url);
    const target = `${server.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`;
    const opens = (target) =>
      new Promise((resolve) => {
        const socket = new WebSocket(target);
        socket.onopen = () => resolve(true);
        socket.onerror = () => resolve(false);
      });
    assert.equal(await foreign.evaluate(opens, target), false);
    assert.equal(await page.evaluate(opens, target), true);
    // Without the cookie it may: nobody is spoken for.
    await context.clearCookies();
    assert.equal(await foreign.evaluate(opens, target), true);
    await close();
  });
});
