// A tab that is closed right after a click: the moment in which other trackers lose events.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openTab } from "./harness/browser.js";
import { nameOf, watch } from "./harness/live.js";
import { readJournal } from "./harness/server.js";
import { withStack } from "./harness/stack.js";
import { until } from "./harness/wait.js";

const TABS = 8;
const BUTTON = 'button[data-track="like"]';

test("a_tab_closed_right_after_a_click_loses_nothing", () =>
  closeAfterClick(async ({ page, live, tab }) => {
    // The tab is in use: its own page event has been accepted.
    await live.until("the page is accepted", (accepted) => pages(accepted) > tab);
    await page.click(BUTTON);
  }));

test("a_tab_closed_before_the_module_has_come_loses_nothing_either", () =>
  closeAfterClick(async ({ page }) => {
    await until("the loader has run", 15_000, () => page.evaluate(() => Boolean(window.footfall)));
    await page.click(BUTTON);
  }, holdBackTheModule));

/** Opens a post in a tab, does `inTab`, and closes the tab at once; many times, each in a browser of its own. */
async function closeAfterClick(inTab, prepare = async () => {}) {
  await withStack({}, async ({ browser, forum, server }) => {
    const live = await watch(server);
    const post = await addressOfAPost(forum);
    for (let tab = 0; tab < TABS; tab += 1) {
      const context = await browser.createBrowserContext();
      const { page } = await openTab(context);
      await prepare(page);
      await page.goto(post, { waitUntil: "domcontentloaded" });
      await inTab({ page, live, tab });
      await page.close();
    }
    await live.until("every click is accepted", (accepted) => likes(accepted) >= TABS);
    await live.close();
    await browser.close();
    await server.process.stop();
    const stored = await readJournal(server);
    assert.equal(likes(stored), TABS, "each click is stored once");
    assert.equal(new Set(stored.map((payload) => payload.event_id)).size, stored.length, "nothing is stored twice");
  });
}

async function addressOfAPost(forum) {
  const frontPage = await (await fetch(forum.url)).text();
  return forum.url + frontPage.match(/href="(\/t\/[^"]+)"/)[1];
}

/** The module's request is never answered, as on a line that has just broken. */
async function holdBackTheModule(page) {
  const devtools = await page.createCDPSession();
  await devtools.send("Fetch.enable", { patterns: [{ urlPattern: "*/sdk/*.wasm" }] });
}

function likes(payloads) {
  return payloads.filter((payload) => nameOf(payload) === "like").length;
}

function pages(payloads) {
  return payloads.filter((payload) => payload.type === "page").length;
}
