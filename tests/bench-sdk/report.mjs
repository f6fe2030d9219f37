// The figures as tables for people: a table for each measure, with what ours is of each peer's.
import { cpus } from "node:os";

const KIB = 1_024;
/** Below it a figure is noise, whatever its unit. */
const LEAST = 0.02;
const bytes = (number) => Math.round(number).toLocaleString("en");
const kib = (number) => Math.round(number / KIB).toLocaleString("en");
const two = (number) => number.toFixed(2);
const three = (number) => number.toFixed(3);
const one = (number) => number.toFixed(1);

/** For each table its columns: a heading, a figure and how it is written. The first figure is the one compared. */
const TABLES = [
  {
    title: "Transfer until the first page view is sent, brotli 11",
    columns: [
      ["bytes", ({ transfer }) => transfer.bytes, bytes],
      ["files", ({ transfer }) => transfer.files, bytes],
    ],
  },
  {
    title: "Start with nothing cached, processor time in ms (scripts on the main thread; then all of the main thread)",
    columns: [
      ["ready", ({ start }) => start.ready, two],
      ["sent", ({ start }) => start.script, two],
      ["whole thread", ({ start }) => start.all, two],
      ["off thread", ({ start }) => start.off, two],
    ],
  },
  {
    title: "Memory kept after the page view, KiB (of that WebAssembly's memory; beside it its compiled code)",
    columns: [
      ["KiB", ({ heap }) => heap.total, kib],
      ["wasm", ({ heap }) => heap.wasm, kib],
      ["wasm code", ({ heap }) => heap.code, kib],
    ],
  },
  {
    title: "track() with 8 properties, µs (p95 and the first calls have steps of 5 µs; the whole is processor time)",
    columns: [
      ["median", ({ track }) => track.median, one],
      ["p95", ({ track }) => track.p95, one],
      ["first 20", ({ track }) => track.first, one],
      ["whole event", ({ track }) => track.total, one],
      ["arrived, %", ({ track }) => track.arrived * 100, one],
    ],
  },
  {
    title: "A click on a button, ms of processor time added (its events; then all scripts)",
    columns: [
      ["median", ({ click }) => click.median, three],
      ["p95", ({ click }) => click.p95, three],
      ["whole click", ({ click }) => click.total, three],
    ],
  },
];

export function print({ trackers, figures, rounds, version }) {
  const { tasks, clicks } = rounds;
  console.log(
    `\n${version} on ${cpus().length} cores; every figure is above the same page without a tracker.\n` +
      `Medians of ${rounds.start} starts, ${rounds.heap} heaps, ${rounds.track * tasks * 8} calls in ` +
      `${rounds.track * tasks} tasks, ${rounds.click * clicks} clicks; the trackers take turns.`,
  );
  const ours = trackers.find(({ isOurs }) => isOurs);
  for (const { title, columns } of TABLES) {
    console.log(`\n${title}`);
    const [[, compared]] = columns;
    row("", [...columns.map(([heading]) => heading), "ours is"]);
    for (const { id, name } of trackers) {
      const its = figures.get(id);
      const ratio = id === ours.id ? "" : ratioOf(compared(figures.get(ours.id)), compared(its));
      row(name, [...columns.map(([, figure, written]) => written(figure(its))), ratio]);
    }
  }
  console.log("\nPeers");
  for (const { name, note } of trackers.filter(({ isOurs }) => !isOurs)) console.log(`  ${name}: ${note}`);
  if (!figures.has("umami")) console.log("  umami: left out, its package could not be had");
}

/** What ours is of a peer's; nothing where the peer adds nothing that can be measured. */
function ratioOf(mine, its) {
  return its > LEAST ? `${(mine / its).toFixed(2)} ×` : "–";
}

function row(name, cells) {
  console.log(`  ${name.padEnd(16)}${cells.map((cell) => cell.padStart(13)).join("")}`);
}
