// The panel on the forum's pages: a newcomer clicks, and sees that Footfall saw it.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openTab } from "./harness/browser.js";
import { artefacts } from "./harness/paths.js";
import { withStack } from "./harness/stack.js";
import { until } from "./harness/wait.js";

test("the_live_panel_shows_the_first_click_once_the_server_has_accepted_it", (t) =>
  withStack({}, async ({ browser, forum }) => {
    const { page, complaints } = await openTab(browser);
    await page.goto(`${forum.url}/`, { waitUntil: "load" });
    const start = performance.now();
    await page.click('a[data-track="board_open"]');
    const shown = await page.waitForSelector('#live-events [data-event="board_open"]', { timeout: 15_000 });
    t.diagnostic(`from the click, over the page change, to its line in the panel: ${Math.round(performance.now() - start)} ms`);
    assert.match(await shown.evaluate((line) => line.textContent), /gardening/);
    mkdirSync(artefacts, { recursive: true });
    await page.screenshot({ path: join(artefacts, "live-panel.png") });
    assert.deepEqual(complaints, [], "the page complained");
  }));

test("the_live_panel_is_live_on_each_page_whichever_script_comes_first", () =>
  withStack({}, async ({ browser, forum }) => {
    const { page, complaints } = await openTab(browser);
    for (let visit = 1; visit <= 10; visit += 1) {
      await page.goto(`${forum.url}/b/cooking`, { waitUntil: "load" });
      await until(`the panel is live on visit ${visit}`, 15_000, async () => {
        const words = await page.$eval("#live-status", (status) => status.textContent);
        if (words.startsWith("Live")) return true;
        throw new Error(words);
      });
    }
    assert.deepEqual(complaints, [], "the page complained");
  }));
