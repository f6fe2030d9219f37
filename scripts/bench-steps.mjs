// What a batch waits for within the server: `node scripts/bench-steps.mjs BEFORE AFTER`, two answers of /metrics.
// The steps of the server itself are told apart from the store's (Kafka's acknowledgement) and the sender's.
import { readFileSync } from "node:fs";

const NOT_OURS = ["read", "deliver"];
const OVER = ["0.001", "0.005"];

/** `name{labels}` and its value, of each line of the step histograms. */
function read(path) {
  const lines = readFileSync(path, "utf8").split("\n");
  const found = lines.map((line) => /^(footfall_step_seconds_\S+) (\S+)$/.exec(line)).filter(Boolean);
  if (found.length === 0) throw new Error(`${path} tells no footfall_step_seconds`);
  return new Map(found.map(([, name, value]) => [name, Number(value)]));
}

const [before, after] = process.argv.slice(2).map(read);
if (after === undefined) throw new Error("two files are needed: /metrics before and after the load");
const since = (name) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
const steps = [...after.keys()].map((name) => /_count\{step="(\w+)"\}/.exec(name)?.[1]).filter(Boolean);
const batches = since('footfall_step_seconds_count{step="deliver"}');
if (batches === 0) throw new Error("no batch was delivered between the two");

const meanMs = (step) => (1000 * since(`footfall_step_seconds_sum{step="${step}"}`)) / batches;
const longer = (step, bound) =>
  since(`footfall_step_seconds_count{step="${step}"}`) - since(`footfall_step_seconds_bucket{le="${bound}",step="${step}"}`);
const ours = steps.filter((step) => !NOT_OURS.includes(step));
const sum = (of) => ours.reduce((total, step) => total + of(step), 0);
const shares = OVER.map((bound) => ((100 * sum((step) => longer(step, bound))) / batches).toFixed(2));

const row = (name, ...cells) => console.log(name.padEnd(26) + cells.map((cell) => cell.padStart(12)).join(""));
console.log("of 100 batches, how many had a step so long");
row("within the server", "mean ms", "over 1 ms", "over 5 ms");
row(`its own ${ours.length} steps`, sum(meanMs).toFixed(2), ...shares);
row("Kafka, linger and ack", meanMs("deliver").toFixed(2));
