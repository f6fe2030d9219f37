// What a call of `track` with eight properties costs the page: in the call itself, and in all that it causes until the
// event is at the sink, so that nothing is hidden by putting it off. The page is isolated from other origins, where
// Chromium's clock has steps of 5 µs.
import { untilStill } from "../until.mjs";
import { visit } from "../visit.mjs";
import { countTasks } from "./main-thread.mjs";

/** Calls in a task of the page: half of them timed together, half of them one by one. */
const CALLS = 8;
const PAUSE_MS = 20;

/** Microseconds for each call: `calls` in batches, `single` ones, and `total` for an event with what it causes. */
export async function measureTrack(bench, tracker, tasks) {
  return visit(bench, tracker, { isolated: true }, async ({ page, cdp, seen }) => {
    const spent = await countTasks(cdp);
    const before = await spent();
    const times = await page.evaluate(callOften, tasks, CALLS / 2, PAUSE_MS);
    const count = tasks * CALLS;
    const name = tracker.eventName ?? "answer_given";
    if (tracker.id !== "empty") {
      await page.evaluate(() => bench.flush?.());
      // Some lose events when many are called for: theirs to lose, but not to be waited for.
      await untilStill(() => seen.count(name) >= count || seen.count(name));
    }
    const arrived = seen.count(name) / count;
    if (tracker.isOurs && arrived < 1) throw new Error(`of ${count} events of ours ${seen.count(name)} have arrived`);
    return { ...times, arrived, total: (((await spent()) - before) * 1_000) / count };
  });
}

/** In the page. */
async function callOften(tasks, half, pause) {
  if (!crossOriginIsolated) throw new Error("the page is not isolated");
  const calls = [];
  const single = [];
  let post = 0;
  const call = () =>
    bench.track("answer_given", {
      post_id: (post += 1),
      title: "What somebody wrote about something",
      author: "user-7",
      tags: ["one", "two"],
      answers: 12,
      score: 4.5,
      pinned: false,
      place: "list",
    });
  for (let task = 0; task < tasks; task += 1) {
    await new Promise((resolve) => {
      setTimeout(resolve, pause);
    });
    const start = performance.now();
    for (let times = 0; times < half; times += 1) call();
    calls.push(((performance.now() - start) * 1_000) / half);
    for (let times = 0; times < half; times += 1) {
      const at = performance.now();
      call();
      single.push((performance.now() - at) * 1_000);
    }
  }
  return { calls, single };
}
