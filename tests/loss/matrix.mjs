// The loss matrix: `node tests/loss/matrix.mjs [--runs 50] [--workers 4] [--cells "tab close, reload"]`, in the engines
// that BROWSER_ENGINES names. Prints a table, and fails where an event was lost or stored twice.
import { parseArgs } from "node:util";
import { engines, missing } from "../../npm/tests/support/browser.mjs";
import { cells } from "./cells.mjs";
import { Fleet, measure } from "./measure.mjs";
import { EVENTS } from "./run.mjs";

const HEAD = ["engine", "cell", "runs", "sent", "stored", "lost", "twice", ""];
const isText = (column) => column < 2 || column > 6;

const { values } = parseArgs({
  options: { runs: { type: "string", default: "50" }, workers: { type: "string", default: "4" }, cells: { type: "string" } },
});
const number = (name) => {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 1) fail(`--${name} is '${values[name]}'; it must be a whole number above 0`);
  return value;
};
const [runs, workers] = [number("runs"), number("workers")];
const asked = values.cells?.split(",").map((name) => name.trim()).filter(Boolean) ?? [];
const unknown = asked.filter((name) => !cells.some((cell) => cell.name.startsWith(name)));
if (unknown.length) fail(`--cells names '${unknown}'; there are: ${cells.map(({ name }) => name).join(" | ")}`);
const chosen = cells.filter(({ name }) => !asked.length || asked.some((start) => name.startsWith(start)));

const start = Date.now();
const rows = [];
for (const engine of engines) {
  const fleet = new Fleet(engine, workers);
  for (const cell of chosen) rows.push(await row(engine, cell, fleet));
  await fleet.close();
}
print();

async function row(engine, cell, fleet) {
  const said = cell.said?.[engine];
  if (cell.absent?.[engine]) return { engine, cell: cell.name, words: `cannot be had: ${cell.absent[engine]}` };
  const from = Date.now();
  const result = await measure({ engine, cell, runs, fleet }).catch((error) => ({ broken: [error.message.split("\n")[0]], notes: [] }));
  const { sent, stored, lost, twice, where = [] } = result;
  console.error(`${engine}, ${cell.name}: ${stored} of ${sent} stored, ${lost} lost, ${twice} twice, in ${seconds(from)} s`);
  for (const line of [...where.slice(0, 5), ...result.broken.slice(0, 5)]) console.error(`    ${line}`);
  const words = [...(result.broken.length ? [`${result.broken.length} runs broke`] : []), ...result.notes, ...(said ? [said] : [])].join("; ");
  return { engine, cell: cell.name, mayLose: cell.profile === "gone", ...result, words };
}

function print() {
  const lines = rows.map(({ engine, cell, runs, sent, stored, lost, twice, words }) =>
    [engine, cell, runs, sent, stored, lost, twice, words].map((value) => `${value ?? "-"}`),
  );
  const widths = HEAD.map((_, column) => Math.max(...[HEAD, ...lines].map((line) => line[column].length)));
  for (const line of [HEAD, ...lines]) {
    const padded = line.map((word, column) => (isText(column) ? word.padEnd(widths[column]) : word.padStart(widths[column])));
    console.log(padded.join("  ").trimEnd());
  }
  console.log(`
Each run is a visitor on an origin of their own, with ${EVENTS} events, and then that visitor's next page, which waits until
the SDK has nothing queued or unconfirmed. "sent" are the events that the page told the SDK, "stored" those found in the
server's journal by what they say of themselves, "lost" the difference, and "twice" the records beyond the first of an
event. Half of the runs send every 100 ms, half every 5 s; a third acts before the module has come. Lost with
a profile that is destroyed is what the engine itself drops; nobody is left to send it again. ${seconds(start)} s in all.`);
  for (const { engine, why } of missing) console.log(`Not measured in ${engine}: ${why}`);
  // What is under way goes with the profile, and nobody is left who could send it again.
  const bad = rows.filter(({ lost, twice, broken, mayLose }) => (lost && !mayLose) || twice || broken?.length);
  if (bad.length) fail(`not 0 lost and 0 twice: ${bad.map(({ engine, cell }) => `${engine}, ${cell}`).join("; ")}`);
}

function seconds(from) {
  return Math.round((Date.now() - from) / 1_000);
}

function fail(words) {
  console.error(`error: ${words}`);
  process.exit(1);
}
