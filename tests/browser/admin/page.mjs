// The official Admin page in a browser, as a person uses it.
import assert from "node:assert/strict";
import { expectEventually } from "../harness.mjs";
import { PASSWORD, USER } from "./known.mjs";

/** What the drawer leads to; in production mode only the first and the last. */
export const VIEWS = ["Dashboard", "Sockets", "Rooms", "Clients", "Events", "Servers"];

export class AdminPage {
  /** Opens the page that this server serves, as a new visitor: with the form. */
  static async open(t, browser, server) {
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
    t.after(() => context.close());
    context.setDefaultTimeout(15_000);
    // Its fonts are on other machines, which do not exist here.
    await context.route((url) => url.hostname !== "127.0.0.1", (route) => route.abort());
    const page = new AdminPage(await context.newPage(), server.url);
    await page.page.goto(`${server.url}/admin/`);
    await page.form.waitFor();
    return page;
  }

  /** Opens it and logs in. */
  static async enter(t, browser, server) {
    const page = await AdminPage.open(t, browser, server);
    await page.logIn(USER, PASSWORD);
    await page.connected();
    return page;
  }

  constructor(page, server) {
    this.page = page;
    this.server = server;
    this.problems = [];
    page.on("pageerror", (error) => this.problems.push(error.message));
    this.form = page.locator(".v-dialog--active form");
  }

  async logIn(user, password) {
    const { form } = this;
    await form.getByLabel("Server URL").fill(this.server);
    await form.getByLabel("Username").fill(user);
    await form.getByLabel("Password").fill(password);
    await form.getByRole("button", { name: "Connect" }).click();
  }

  /** Connects again, as after a visit in the meantime: what was there before is told anew. */
  async enterAgain() {
    await this.page.locator("header").getByRole("button", { name: "Update" }).first().click();
    await this.logIn(USER, PASSWORD);
    await this.connected();
  }

  /** The words below the form, once there are any. */
  async refusal() {
    return (await this.form.locator(".red--text").textContent()).trim();
  }

  /** The word in the bar at the top. */
  status() {
    // There is a second one for narrow windows.
    return this.page.locator("header .v-chip").first().textContent();
  }

  /** Without the form, and told so in the bar. */
  async connected(ms) {
    await expectEventually(async () => assert.equal((await this.status()).trim(), "connected"), ms);
    await this.form.waitFor({ state: "hidden" });
  }

  async disconnected() {
    await expectEventually(async () => assert.equal((await this.status()).trim(), "disconnected"));
  }

  /** The words in the drawer. */
  async views() {
    const titles = await this.page.locator("nav .v-list-item__title").allTextContents();
    return titles.map((title) => title.trim()).filter((title) => VIEWS.includes(title));
  }

  async goTo(view) {
    await this.page.locator("nav").getByText(view, { exact: true }).click();
    await this.page.locator(".v-breadcrumbs__item--disabled").getByText(view, { exact: true }).waitFor();
    // The view before it slides out.
    await expectEventually(async () => (await this.page.locator(".v-main .v-breadcrumbs").count()) === 1);
  }

  /** Goes to a view of one namespace, which the page knows once there has been a socket. */
  async goToNamespace(view, namespace = "/") {
    await this.goTo(view);
    const chosen = this.page.locator(".v-main .v-select__slot").first();
    if ((await chosen.locator(".v-select__selection").allTextContents()).includes(namespace)) return;
    await chosen.click();
    const menu = this.page.locator(".v-menu__content.menuable__content__active");
    await menu.getByText(namespace, { exact: true }).click();
    await menu.waitFor({ state: "hidden" });
  }

  /**
   * Waits until the page was told who is there. The reference takes its time for that in a cluster, and a list that
   * comes late takes away who came meanwhile.
   */
  async toldOfAll() {
    await this.goTo("Sockets");
    await this.page.locator(".v-main .v-select__slot .v-select__selection").first().waitFor();
  }

  /** A card by its title. */
  card(title) {
    const heading = this.page.locator(".v-card__title").getByText(title, { exact: true });
    return this.page.locator(".v-main .v-card").filter({ has: heading });
  }

  /** The rows of a table: their cells as texts. */
  rows(within = this.page.locator(".v-main")) {
    return within
      .locator("tbody tr:not(.v-data-table__empty-wrapper)")
      .evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent.trim())));
  }

  /** The row with that text. */
  row(text) {
    return this.page.locator(".v-main tbody tr").filter({ hasText: text });
  }

  /**
   * Clicks one of the buttons of the row with that text. The page takes a click there for one on the row, too, and
   * goes on to its details.
   */
  async click(text, button = 0) {
    await this.row(text).locator("button").nth(button).click();
  }

  /** Waits until these are the first cells of the rows, in any order. */
  async lists(...rows) {
    const sorted = (list) => list.map((row) => JSON.stringify(row)).sort();
    await expectEventually(async () => {
      const shown = await this.rows();
      assert.deepEqual(sorted(shown.map((row) => row.slice(0, rows[0]?.length))), sorted(rows));
    });
  }

  /** How many clients the dashboard counts, by transport. */
  async counts() {
    const numbers = await this.card("Clients").locator("h2").allTextContents();
    const [websocket, polling] = numbers.map(Number);
    return { websocket, polling };
  }

  /** The namespaces of the dashboard and their numbers of sockets. */
  async namespaces() {
    const rows = await this.rows(this.card("Namespaces"));
    return Object.fromEntries(rows.map(([name, sockets]) => [name, Number(sockets)]));
  }

  /** What the browser keeps for the next visit. */
  kept() {
    return this.page.evaluate(() => ({ ...localStorage }));
  }
}
