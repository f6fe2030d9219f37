// What a batch waits for within the server: `node scripts/bench-steps.mjs BEFORE AFTER`, two answers of /metrics.
// What the server adds, from a body's last byte to its answer, is told apart from the store's part (Kafka's acknowledgement).
import { readFileSync } from "node:fs";

/** `name{labels}` and its value, of each line of the histograms of steps. */
function read(path) {
  const lines = readFileSync(path, "utf8").split("\n");
  const found = lines.map((line) => /^(footfall_(?:step|added)_seconds_\S+) (\S+)$/.exec(line)).filter(Boolean);
  if (found.length === 0) throw new Error(`${path} tells no footfall_step_seconds`);
  return new Map(found.map(([, name, value]) => [name, Number(value)]));
}

const [before, after] = process.argv.slice(2).map(read);
if (after === undefined) throw new Error("two files are needed: /metrics before and after the load");
const since = (name) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
const batches = since("footfall_added_seconds_count");
if (batches === 0) throw new Error("no batch was delivered between the two");

const bounds = [...after.keys()].map((name) => /^footfall_added_seconds_bucket\{le="([\d.e-]+)"\}/.exec(name)?.[1]).filter(Boolean);
const upTo = (bound) => since(`footfall_added_seconds_bucket{le="${bound}"}`);
/** The smallest bound that so many of 100 batches keep to. */
const keptBy = (percent) => {
  const bound = bounds.find((each) => 100 * upTo(each) >= percent * batches);
  return bound === undefined ? `over ${1000 * bounds.at(-1)}` : `at most ${1000 * bound}`;
};
const mean = (name) => (1000 * since(name)) / batches;

const row = (name, ...cells) => console.log(name.padEnd(40) + cells.map((cell) => cell.padStart(14)).join(""));
row("within the server, ms", "mean", "p50", "p99");
row("from the last byte to the answer", mean("footfall_added_seconds_sum").toFixed(2), keptBy(50), keptBy(99));
row("Kafka besides: linger, ack", mean('footfall_step_seconds_sum{step="deliver"}').toFixed(2));
