// A visitor: one of the engines on a fresh site, with what the page and the console said.
// What a test may do with `page` is what every engine's driver can: goto, reload, goBack, url (to be awaited), click,
// type, keyboard.press, evaluate, evaluateOnNewDocument, waitForFunction, on("console"), close.
import assert from "node:assert/strict";
import { test } from "node:test";
import { engines, launch, missing } from "./browser.mjs";
import { site, until } from "./site.mjs";

export { engines };
for (const { engine, why } of missing) test(`the tests in ${engine}`, { skip: why });

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

/**
 * A fresh visitor on a fresh site, which is an origin of its own, so that nothing stored is shared with another visit.
 * `prepare(page)` runs before the first page; `newPage()` opens another tab of this visitor; the rest goes to `site`.
 */
export async function visit(t, { path = "/page.html", wait = true, prepare, engine = "chromium", ...options } = {}) {
  const served = await site(options);
  const context = await (await browserOf(engine)).createBrowserContext();
  t.after(async () => {
    await context.close();
    await served.close();
  });
  const said = [];
  // Firefox's driver hides what an error said, WebKit's tells nothing; Chromium's needs nothing put into the page.
  if (engine !== "chromium") served.hearConsole((text) => said.push(text));
  const newPage = async () => {
    const page = await context.newPage();
    if (engine === "chromium") page.on("console", (message) => said.push(message.text()));
    if (engine === "webkit") served.hearConsole((text) => page.emit("console", { text: () => text }));
    page.evaluateOnNewDocument = served.prepare;
    return page;
  };
  const page = await newPage();
  await prepare?.(page);
  await page.goto(served.origin + path);
  const errors = () => page.evaluate(() => window.errors);
  const ready = () => page.evaluate(() => window.footfall.ready());
  if (wait) assert.equal(await ready(), true);
  const arrived = (count) => until(`${count} events`, () => served.events().length >= count && served.events());
  return { served, context, page, newPage, said, errors, ready, arrived };
}

export const names = (events) => events.map((event) => event.event ?? event.type);

/** The one event of that name. */
export function only(events, name) {
  const found = events.filter((event) => (event.event ?? event.type) === name);
  assert.equal(found.length, 1, `${name} in ${names(events)}`);
  return found[0];
}
