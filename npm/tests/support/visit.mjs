// A visitor: one of the engines on a fresh site, with what the page and the console said.
// What a test may do with `page` is what every engine's driver can: goto, reload, goBack, url (to be awaited), click,
// type, keyboard.press, evaluate, evaluateOnNewDocument, waitForFunction, on("console"), close.
import assert from "node:assert/strict";
import { test } from "node:test";
import { engines, launch, missing } from "./browser.mjs";
import { site, until } from "./site.mjs";

export { engines };
for (const { engine, why } of missing) test(`the tests in ${engine}`, { skip: why });

/** A test of what only Chromium's driver can do. */
export function inChromium(name, run) {
  if (engines.includes("chromium")) test(`chromium: ${name}`, run);
}

// Each engine is started once a test file, and closed by `closeBrowsers`.
const browsers = new Map();

function browserOf(engine) {
  if (!browsers.has(engine)) browsers.set(engine, launch(engine));
  return browsers.get(engine);
}

export async function closeBrowsers() {
  for (const browser of browsers.values()) await (await browser).close();
  browsers.clear();
}

/** What a page that starts the SDK by itself has, unless a test says otherwise: only what the test tells, soon. */
const QUIET = { key: "pk_test", flushInterval: 100, capture: { clicks: false, views: false, pages: false, leave: false } };

/**
 * A fresh visitor on a fresh site, which is an origin of its own, so that nothing stored is shared with another visit.
 * `prepare(page)` runs before the first page; `newPage()` opens another tab of this visitor; the rest goes to `site`.
 * With `init`, options or a function of the page that returns some, each page starts the SDK with them by itself.
 */
export async function visit(t, { init, path = init ? "/own.html" : "/page.html", wait = true, prepare, engine = "chromium", ...options } = {}) {
  const served = await site(options);
  const context = await (await browserOf(engine)).createBrowserContext();
  t.after(async () => {
    await context.close();
    await served.close();
  });
  const said = [];
  // Firefox's driver hides what an error said, WebKit's tells nothing; Chromium's needs nothing put into the page.
  if (engine !== "chromium") served.hearConsole((text) => said.push(text));
  if (init) {
    const own = typeof init === "function" ? `(${init})()` : JSON.stringify(init);
    served.prepare(`(quiet) => { window.options = { ...quiet, ...${own} }; }`, QUIET);
  }
  const newPage = async () => {
    const page = await context.newPage();
    if (engine === "chromium") page.on("console", (message) => said.push(message.text()));
    if (engine === "webkit") served.hearConsole((text) => page.emit("console", { text: () => text }));
    page.evaluateOnNewDocument = served.prepare;
    return page;
  };
  const page = await newPage();
  await prepare?.(page);
  const errors = () => page.evaluate(() => window.errors);
  /** Whether the module runs. The page itself waits for it, without a timer that a test might count. */
  const ready = async (of = page) => {
    await of.evaluate(() => {
      window.runs = undefined;
      window.footfall.ready().then((runs) => (window.runs = runs));
    });
    const [runs] = await until("the tracker to be ready", () => of.evaluate(() => window.runs !== undefined && [window.runs]));
    return runs;
  };
  /** Goes to an address of the site, and waits until the SDK runs there. */
  const go = async (to = path, of = page) => {
    await of.goto(served.origin + to);
    if (wait) assert.equal(await ready(of), true);
  };
  await go();
  const arrived = (count) => until(`${count} events`, () => served.events().length >= count && served.events());
  /** The same without the view of what is on the page: a slow visitor has seen it meanwhile, a quick one has not. */
  const acted = (count) =>
    until(`${count} events beside views`, () => {
      const events = served.events().filter(({ event }) => event !== "post_view");
      return events.length >= count && events;
    });
  return { served, context, page, newPage, go, said, errors, ready, arrived, acted };
}

/** Makes calls of the tracker in the page, in order: `call(page, ["track", "like"], ["flush"])`. */
export const call = (page, ...calls) =>
  page.evaluate((calls) => {
    for (const [method, ...args] of calls) window.footfall[method](...args);
  }, calls);

/**
 * Waits until the SDK of the page has taken so many events: of what a slow visitor does, the first events may have left
 * before the last is taken.
 */
export const taken = (page, count) =>
  until(`${count} events to be taken`, () =>
    page.evaluate((count) => {
      const { queued, unconfirmed, sent } = window.footfall.state();
      return queued + unconfirmed + sent >= count;
    }, count),
  );

/** What the page's SDK keeps, by storage and name. */
export const kept = (page) => page.evaluate(() => ({ local: { ...localStorage }, session: { ...sessionStorage }, cookie: document.cookie }));

/** Where nothing is kept. */
export const NOTHING_KEPT = { local: {}, session: {}, cookie: "" };

export const names = (events) => events.map((event) => event.event ?? event.type);

/** The one event of that name. */
export function only(events, name) {
  const found = events.filter((event) => (event.event ?? event.type) === name);
  assert.equal(found.length, 1, `${name} in ${names(events)}`);
  return found[0];
}
