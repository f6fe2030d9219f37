// `make bench-sdk`: what the browser SDK costs a page, beside the trackers that others offer on npm, all in one run.
// `--quick` only tries that everything runs, once each; its figures say nothing, and no goal is judged.
import { launch } from "./browser.mjs";
import { judge } from "./goals.mjs";
import { measureClick } from "./measures/click.mjs";
import { measureHeap } from "./measures/heap.mjs";
import { measureStart } from "./measures/start.mjs";
import { measureTrack } from "./measures/track.mjs";
import { measureTransfer } from "./measures/transfer.mjs";
import { progress } from "./progress.mjs";
import { print } from "./report.mjs";
import { openSite } from "./site.mjs";
import { summary } from "./summary.mjs";
import { ours, peers } from "./trackers/all.mjs";
import { empty } from "./trackers/empty.mjs";

const isQuick = process.argv.includes("--quick");
const rounds = isQuick
  ? { start: 1, heap: 1, track: 1, click: 1, tasks: 2, clicks: 2 }
  : { start: Number(process.env.BENCH_ROUNDS ?? 25), heap: 5, track: 3, click: 3, tasks: 88, clicks: 20 };

const trackers = [ours, ...peers];
const all = [empty, ...trackers];
const site = await openSite(all);
const browser = await launch();
const bench = { site, browser };

/** Samples of each tracker. The trackers take turns, so that whatever else the machine does meets them all. */
async function sampled(what, times, those, measure) {
  const samples = new Map(those.map(({ id }) => [id, []]));
  for (let round = 0; round < times; round += 1) {
    for (let turn = 0; turn < those.length; turn += 1) {
      const tracker = those[(round + turn) % those.length];
      progress(`${what}: ${round + 1} of ${times}, ${tracker.name}`);
      samples.get(tracker.id).push(await measure(bench, tracker));
    }
  }
  return samples;
}

try {
  // First of all whether each one runs: a peer that does nothing costs nothing.
  const transfer = await sampled("what is loaded", 1, trackers, measureTransfer);
  const start = await sampled("start", rounds.start, all, measureStart);
  const heap = await sampled("memory kept", rounds.heap, all, measureHeap);
  const track = await sampled("track", rounds.track, all, (on, tracker) => measureTrack(on, tracker, rounds.tasks));
  const click = await sampled("click", rounds.click, all, (on, tracker) => measureClick(on, tracker, rounds.clicks));
  progress("");
  const figures = summary(trackers, { transfer, start, heap, track, click });
  print({ trackers, figures, rounds, version: browser.version });
  if (isQuick) console.log("\nAll of it runs. With one round each these figures say nothing.");
  else if (!judge(figures)) process.exitCode = 1;
} catch (error) {
  progress("");
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  await site.close();
}
