// What a tracker adds to a click: the time of the events that a real click on a button dispatches, listeners included,
// as Chromium's trace has it; and the time of all scripts for a click with what it causes.
import { sum } from "../figures.mjs";
import { record } from "../trace.mjs";
import { pause } from "../until.mjs";
import { visit } from "../visit.mjs";

const EVENTS = ["pointerdown", "mousedown", "pointerup", "mouseup", "click"];
/** Further apart than a double click. */
const PAUSE_MS = 60;

/** Milliseconds: `clicks` for each click, and `total` for one with what it causes. */
export async function measureClick(bench, tracker, count) {
  let ended;
  const before = async (_, cdp) => {
    ended = await record(cdp);
  };
  return visit(bench, tracker, { before }, async ({ page, cdp }) => {
    const { x, y } = await page.evaluate(() => {
      const { left, top, width, height } = document.querySelector("#like").getBoundingClientRect();
      return { x: left + width / 2, y: top + height / 2 };
    });
    await cdp.send("Input.dispatchMouseEvent", { type: "mouseMoved", x, y });
    await page.evaluate(() => void performance.mark("bench:clicks"));
    for (let times = 0; times < count; times += 1) {
      for (const type of ["mousePressed", "mouseReleased"]) {
        await cdp.send("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
      }
      await pause(PAUSE_MS);
    }
    await page.evaluate(() => bench.flush?.());
    await pause(PAUSE_MS);
    await page.evaluate(() => void performance.mark("bench:end"));
    const trace = await ended();
    const events = trace.dispatched(EVENTS);
    const clicks = [];
    for (let from = 0; from < events.length; ) {
      const to = events.findIndex(({ type }, place) => place >= from && type === "click") + 1;
      if (to === 0) break;
      clicks.push(sum(events.slice(from, to).map(({ ms }) => ms)));
      from = to;
    }
    if (clicks.length !== count) throw new Error(`${tracker.name}: ${clicks.length} of ${count} clicks are in the trace`);
    return { clicks, total: (trace.script("bench:end") - trace.script("bench:clicks")) / count };
  });
}
