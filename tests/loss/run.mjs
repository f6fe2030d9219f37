// One run: a visitor with a site and a line of their own, the events that they cause, and their next visit.
// What happens to the visitor in between is the cell's.
import { until } from "../e2e/harness/wait.js";

export const EVENTS = 20;
const PATIENCE_MS = 20_000;

export class Run {
  /** What is worth a word in the table, such as `persisted`. */
  notes = [];
  /** Events that were told. */
  sent = 0;

  constructor({ id, number, engine, browser, site, line }) {
    Object.assign(this, { id, number, engine, browser, site, line });
  }

  /** A page of this visitor. Every fourth visitor acts before the module has come, as soon as the tag itself runs. */
  async open(path = "/page.html") {
    this.context ??= await this.browser.createBrowserContext();
    const page = await this.context.newPage();
    await page.goto(this.site.origin + path);
    if (this.number % 4 === 3) await this.until("the tag runs", page, () => Boolean(window.footfall?.track));
    else await this.untilReady(page);
    return page;
  }

  async untilReady(page) {
    await this.until("the module runs", page, async () => (await window.footfall?.ready?.()) === true);
  }

  /** The events `from` to `to`; `more` properties make them larger. */
  async tell(page, from, to, more) {
    await page.evaluate((from, to, more) => window.tell(from, to, more), from, to, more ?? {});
    this.sent += to - from;
  }

  /** A click on the link that leads away, with the events `from` to `to` in its own task. */
  async leaveByLink(page, from, to, more) {
    await page.evaluate(
      (from, to, more) => document.querySelector("#next").addEventListener("click", () => window.tell(from, to, more)),
      from, to, more ?? {},
    );
    await page.click("#next");
    await this.until("the page is left", page, () => location.pathname === "/left.html");
    this.sent += to - from;
  }

  /** Whether nothing is queued any more, in words of the SDK's state. */
  async untilSent(page) {
    await this.until("nothing is queued", page, () => window.footfall.state().queued === 0);
  }

  until(what, page, look) {
    return until(`${this.id}: ${what}`, PATIENCE_MS, () => page.evaluate(look));
  }

  /** A new page of the same origin and profile, until all that is known there is confirmed, or patience ends. */
  async visitAgain() {
    const page = await this.context.newPage();
    await page.goto(`${this.site.origin}/next.html`);
    await this.untilReady(page);
    try {
      await this.until("all is confirmed", page, () => {
        window.footfall.flush();
        const { queued, unconfirmed = 0 } = window.footfall.state();
        return queued === 0 && unconfirmed === 0;
      });
    } catch {
      this.notes.push("left unconfirmed");
    }
    await page.close();
  }

  async end() {
    await this.context?.close();
    await this.line.close();
    await this.site.close();
  }
}
