// A visit: a tracker's page in a browser that has nothing cached, until its page view is at the sink.
import { pause } from "./until.mjs";

/** After the page view: what a tracker still does on its own account. */
const SETTLE_MS = 150;

/**
 * Visits a tracker's page and runs `act` on it. `before(page, cdp)` runs before the page is opened. Fails where the
 * tracker does not say that it is ready, or its page view does not reach the sink.
 */
export async function visit({ browser, site }, tracker, { isolated = false, before }, act) {
  const seen = site.visit(tracker);
  const { page, cdp, close } = await browser.open();
  try {
    await before?.(page, cdp);
    await page.goto(seen.url(isolated ? "?isolated" : ""));
    const runs = await page.evaluate(() => bench.ready);
    if (runs !== true) throw new Error(`${tracker.name} does not start`);
    if (tracker.id !== "empty") {
      // Ours would wait some seconds for more events.
      await page.evaluate(() => bench.flush?.());
      await seen.arrived("page", 1);
    }
    await pause(SETTLE_MS);
    return await act({ page, cdp, seen });
  } finally {
    await close();
    seen.end();
  }
}
