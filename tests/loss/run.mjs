// One run: a visitor with a site and a line of their own, the events that they cause, and their next visit.
// What happens to the visitor in between is the cell's.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "../../npm/tests/support/browser.mjs";
import { until } from "../e2e/harness/wait.js";

export const EVENTS = 20;
const PATIENCE_MS = 20_000;

export class Run {
  #context;
  /** Gives up what this run has of a browser. */
  #leave;
  #folder;
  /** What is worth a word in the table. */
  notes = [];
  /** Events that were told. */
  sent = 0;

  constructor({ id, number, engine, site, line }) {
    Object.assign(this, { id, number, engine, site, line });
  }

  /** With a context of a `browser` that others use too. */
  async useContextOf(browser) {
    this.#context = await browser.createBrowserContext();
    this.#leave = () => this.#context.close();
  }

  /** With a browser of its own, which goes with all that it knows. */
  async useOwnBrowser() {
    const browser = await launch(this.engine);
    this.#context = await browser.createBrowserContext();
    this.#leave = () => browser.close();
  }

  /** With a browser of its own, whose profile outlives it. */
  async useOwnProfile() {
    this.#folder ??= mkdtempSync(join(tmpdir(), "footfall-profile-"));
    const browser = await launch(this.engine, this.#folder);
    this.#context = browser.defaultBrowserContext();
    this.#leave = () => browser.close();
  }

  /** A page of this visitor. Every third visitor acts before the module has come, as soon as the tag itself runs. */
  async open() {
    const page = await this.#newPage();
    await page.goto(`${this.site.origin}/page.html`);
    if (this.number % 3 === 2) await this.until("the tag runs", page, () => Boolean(window.footfall?.track));
    else await this.untilReady(page);
    return page;
  }

  /** A machine with much to do lets Firefox's driver lose the tab that it has just opened; nothing of ours was in it. */
  async #newPage(tries = 3) {
    try {
      return await this.#context.newPage();
    } catch (error) {
      if (tries === 1 || !/no such frame/.test(error.message)) throw error;
      return this.#newPage(tries - 1);
    }
  }

  untilReady(page) {
    return this.until("the module runs", page, async () => (await window.footfall?.ready?.()) === true);
  }

  /** Until the module runs and has made the calls that were held for it. */
  async untilAtRest(page) {
    await this.untilReady(page);
    await page.evaluate(() => window.footfall.state());
  }

  untilSent(page, patience = PATIENCE_MS) {
    return until("nothing is queued", patience, () => page.evaluate(() => window.footfall.state().queued === 0));
  }

  until(what, page, look) {
    return until(what, PATIENCE_MS, () => page.evaluate(look));
  }

  /** The events `from` to `to`; `more` properties make them larger. */
  async tell(page, from, to, more = {}) {
    await page.evaluate((from, to, more) => window.tell(from, to, more), from, to, more);
    this.sent += to - from;
  }

  /** A click on the link that leads away, with the events `from` to `to` in the click's own task. */
  async leaveByLink(page, from, to, more = {}) {
    await page.evaluate((from, to, more) => window.tellWithClick(from, to, more), from, to, more);
    await page.click("#next");
    this.sent += to - from;
    await this.until("the page is left", page, () => location.pathname === "/left.html");
  }

  /** Gives up the context or the browser, with whatever is open in it. */
  async leave() {
    const leave = this.#leave;
    this.#leave = undefined;
    await leave?.();
  }

  /** A new page of the same origin and profile, until all that is known there is confirmed, or patience ends. */
  async visitAgain() {
    const page = await this.#newPage();
    await page.goto(`${this.site.origin}/next.html`);
    await this.untilReady(page);
    // Only spares the wait for the interval.
    await page.evaluate(() => window.footfall.flush());
    try {
      // A page that crashed holds what it kept for some seconds after it last said that it would send it.
      await until("all is confirmed", 5 * PATIENCE_MS, () =>
        page.evaluate(() => {
          const { queued, unconfirmed } = window.footfall.state();
          const isKept = Object.keys(localStorage).some((key) => /^footfall:.*:batch:/.test(key));
          return queued + unconfirmed === 0 && !isKept;
        }),
      );
    } catch {
      this.notes.push("left unconfirmed");
    }
    await page.close();
  }

  async end() {
    await this.leave().catch(() => {});
    await this.line.close();
    await this.site.close();
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
