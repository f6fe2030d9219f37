// A person's visit to the forum in one tab: each step does what hands would do and notes which events it means.
// Whether these events were stored is left to the test.
import assert from "node:assert/strict";
import { nameOf } from "./live.js";
import { until } from "./wait.js";

/** How long a page may take to be there. */
const PAGE_MS = 15_000;

export class Visit {
  /** What must be stored, in the order in which it happens: `{ name, properties }` of each event. */
  expected = [];
  /** The cards that were in sight for long enough, as `page path` and `post id`; views have no order of their own. */
  expectedViews = [];
  /** What was typed; it must be stored nowhere. */
  typed = [];

  /**
   * @param {import("puppeteer-core").Page} page
   * @param {string} forum its address
   * @param {Awaited<ReturnType<import("./live.js").watch>>} live what the server accepts
   */
  constructor(page, forum, live) {
    this.page = page;
    this.forum = forum;
    this.live = live;
  }

  path() {
    return new URL(this.page.url()).pathname;
  }

  /** An event that the step just taken, or the page just shown, stands for. */
  expect(name, properties = {}) {
    this.expected.push({ name, properties });
  }

  /** Opens a page by its address, as from a bookmark. */
  async open(path) {
    await this.page.goto(`${this.forum}${path}`, { waitUntil: "load", timeout: PAGE_MS });
    this.expect("page");
  }

  /** Clicks something that stays on the page. */
  async click(selector, name, properties) {
    this.expect(name, properties);
    await this.page.locator(selector).setTimeout(PAGE_MS).click();
  }

  /** Clicks something that leads to another page, and waits for that page. */
  async follow(selector, name, properties) {
    const loaded = this.page.waitForNavigation({ waitUntil: "load", timeout: PAGE_MS });
    await Promise.all([loaded, this.click(selector, name, properties)]);
    this.expect("page_leave", { revision: 1 });
    this.expect("page");
  }

  /** Types as a person does, key by key. */
  async type(selector, words) {
    this.typed.push(words);
    await this.page.locator(selector).setTimeout(PAGE_MS).click();
    await this.page.keyboard.type(words);
  }

  /**
   * Looks at the page until the server has accepted all that is expected of it so far, with a view for each card
   * that is in sight by at least half.
   */
  async look() {
    const path = this.path();
    const inSight = await this.page.$$eval("[data-track-view]", (cards) =>
      cards
        .filter((card) => {
          const { top, bottom, height } = card.getBoundingClientRect();
          return Math.min(bottom, innerHeight) - Math.max(top, 0) >= height / 2;
        })
        .map((card) => card.dataset.trackPostId),
    );
    for (const id of inSight) this.expectedViews.push(`${path} ${id}`);
    const expected = this.expected.length + this.expectedViews.length;
    await this.live.until(`the events of ${path} are accepted`, (accepted) => accepted.length >= expected);
  }

  /** Closes the tab, and waits until the server has accepted all that is expected. */
  async close() {
    await this.page.close();
    this.expect("page_leave", { revision: 1 });
    const expected = this.expected.length + this.expectedViews.length;
    await this.live.until("the events of the closed tab are accepted", (accepted) => accepted.length >= expected);
  }

  /** Waits for something that the forum's own script does. */
  async shows(what, selector) {
    await until(what, PAGE_MS, () => this.page.$(selector));
  }
}

/** A visit with all that the forum offers, up to the moment before the tab is closed. */
export async function visitForum(visit, { name, comment, search }) {
  await visit.open("/");
  await visit.look();

  await visit.follow('a[data-track="board_open"][data-track-board="gardening"]', "board_open", { board: "gardening" });
  await visit.look();

  const card = await visit.page.$eval(".card", ({ dataset }) => ({ post_id: dataset.trackPostId, board: dataset.trackBoard }));
  await visit.follow(`a[data-track="post_open"][data-track-post-id="${card.post_id}"]`, "post_open", { post_id: card.post_id });
  const post = visit.path();
  visit.expect("post_view", card);
  await visit.look();

  await visit.follow(".comments a[href^='/login']", "click", { tag: "a", href: "/login" });
  await visit.type("#name", name);
  await visit.follow('button[data-track="log_in"]', "log_in");
  assert.equal(visit.path(), post, "the log-in leads back to the post");
  visit.expect("post_view", card);
  await visit.look();

  await visit.click('button[data-track="like"]', "like", card);
  await visit.shows("the like is shown", 'button[data-track="unlike"]');
  await visit.click('button[data-track="favourite"]', "favourite", card);
  await visit.shows("the favourite is shown", 'button[data-track="unfavourite"]');

  const before = (await visit.page.$$("[id^='comment-']")).length;
  await visit.type("#comment", comment);
  await visit.click('button[data-track="comment_submit"]', "comment_submit", card);
  await until("the comment is shown", PAGE_MS, async () => (await visit.page.$$("[id^='comment-']")).length > before);

  await visit.type("#q", search);
  await visit.follow('button[data-track="search_submit"]', "search_submit");
  const results = (await visit.page.$$(".card")).length;
  visit.expect("search", { results });
  await visit.look();
  return { user: await visit.page.$eval("main", (main) => main.dataset.userId) };
}

/** That the stored events are the expected ones: no more, no fewer, each with the properties that it must have. */
export function assertExpected(visit, payloads) {
  const views = payloads.filter((payload) => nameOf(payload) === "post_card");
  const viewed = views.map(({ page, properties }) => `${page.path} ${properties.post_id}`);
  assert.deepEqual(viewed.toSorted(), visit.expectedViews.toSorted(), "the cards that were in sight");

  const rest = payloads.filter((payload) => nameOf(payload) !== "post_card").toSorted((a, b) => a.seq - b.seq);
  assert.deepEqual(rest.map(nameOf), visit.expected.map(({ name }) => name), "the events in the order of the tab's count");
  for (const [place, { name, properties }] of visit.expected.entries()) {
    const stored = rest[place].properties ?? {};
    for (const [key, value] of Object.entries(properties)) {
      assert.equal(stored[key], value, `${key} of event ${place}, ${name}`);
    }
  }
}
