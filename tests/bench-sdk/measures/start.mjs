// What a tracker's start costs in processor time, with nothing cached: from the first script on the page until the
// tracker says that it is ready, and until its page view has been sent and it has come to rest.
import { record } from "../trace.mjs";
import { visit } from "../visit.mjs";

/** One start, in milliseconds: `script` on the main thread, `all` of the main thread, `off` on other threads. */
export async function measureStart(bench, tracker) {
  let ended;
  const before = async (_, cdp) => {
    ended = await record(cdp);
  };
  return visit(bench, tracker, { before }, async ({ page }) => {
    await page.evaluate(() => void performance.mark("bench:end"));
    const trace = await ended();
    return {
      ready: trace.script("bench:ready"),
      script: trace.script("bench:end"),
      all: trace.all("bench:end"),
      off: trace.offThread(),
    };
  });
}
