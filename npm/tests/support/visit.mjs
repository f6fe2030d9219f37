// A visitor: one of the engines on a fresh site, with what the page and the console said. What a test may do with
// `page` is what every engine's driver can: goto, click, type, evaluate, waitForFunction, goBack, url, close.
import assert from "node:assert/strict";
import { launch } from "./browser.mjs";
import { site, until } from "./site.mjs";

/** The engines that this machine has, each with its browser, started once and closed by `closeBrowsers`. */
export const engines = ["chromium"];
const browsers = new Map();

async function browserOf(engine) {
  if (!browsers.has(engine)) browsers.set(engine, launch(engine));
  return browsers.get(engine);
}

export async function closeBrowsers() {
  for (const browser of browsers.values()) await (await browser).close();
  browsers.clear();
}

/** A fresh visitor on a fresh site. `prepare(page)` runs before the first page; the rest goes to `site`. */
export async function visit(t, { path = "/page.html", wait = true, prepare, engine = "chromium", ...options } = {}) {
  const served = await site(options);
  const context = await (await browserOf(engine)).createBrowserContext();
  const page = await context.newPage();
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  t.after(async () => {
    await context.close();
    await served.close();
  });
  await prepare?.(page);
  await page.goto(served.origin + path);
  const errors = () => page.evaluate(() => window.errors);
  const ready = () => page.evaluate(() => window.footfall.ready());
  if (wait) assert.equal(await ready(), true);
  const arrived = (count) => until(`${count} events`, () => served.events().length >= count && served.events());
  return { served, context, page, said, errors, ready, arrived };
}

export const names = (events) => events.map((event) => event.event ?? event.type);

/** The one event of that name. */
export function only(events, name) {
  const found = events.filter((event) => (event.event ?? event.type) === name);
  assert.equal(found.length, 1, `${name} in ${names(events)}`);
  return found[0];
}
