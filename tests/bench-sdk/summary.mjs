// From samples to figures: medians, with what the page without a tracker takes subtracted.
import { median, quantile } from "./figures.mjs";

/** Calls of a page's first moments, before the engine has optimised anything. */
const FIRST_CALLS = 20;

/** The figures of each tracker by its id. Milliseconds and bytes; microseconds for `track`. */
export function summary(trackers, { transfer, start, heap, track, click }) {
  return new Map(trackers.map(({ id }) => [id, figuresOf(id)]));

  function figuresOf(id) {
    /** The median of the differences from the empty page of the same round. */
    const added = (samples, name) => {
      const base = samples.get("empty");
      return median(samples.get(id).map((sample, round) => sample[name] - base[round][name]));
    };
    const tracked = track.get(id);
    const calls = tracked.flatMap((sample) => sample.calls);
    const single = tracked.flatMap((sample) => sample.single);
    const bare = median(click.get("empty").flatMap(({ clicks }) => clicks));
    const clicks = click.get(id).flatMap((sample) => sample.clicks.map((ms) => ms - bare));
    const wasm = median(heap.get(id).map((sample) => sample.wasm));
    return {
      transfer: transfer.get(id)[0],
      start: {
        ready: added(start, "ready"),
        script: added(start, "script"),
        all: added(start, "all"),
        off: added(start, "off"),
      },
      heap: { wasm, total: added(heap, "heap") + wasm, code: median(heap.get(id).map((sample) => sample.code)) },
      track: {
        median: median(calls),
        p95: quantile(single, 0.95),
        first: median(tracked.flatMap((sample) => sample.single.slice(0, FIRST_CALLS))),
        total: added(track, "total"),
        arrived: Math.min(...tracked.map((sample) => sample.arrived)),
      },
      click: { median: median(clicks), p95: quantile(clicks, 0.95), total: added(click, "total") },
    };
  }
}
