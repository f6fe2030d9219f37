// Measures a cell in an engine: runs it many times, some at once, against a server of its own, then counts in the
// server's journal what became of each event.
import { launch } from "../../npm/tests/support/browser.mjs";
import { WRITE_KEY, readJournal, startServer } from "../e2e/harness/server.js";
import { withProcesses } from "../e2e/harness/stack.js";
import { until } from "../e2e/harness/wait.js";
import { Line } from "./line.mjs";
import { EVENTS, Run } from "./run.mjs";
import { openSite } from "./site.mjs";

/** How long the journal must have nothing new before it is read for good. */
const QUIET_MS = 1_000;
const ARRIVAL_MS = 15_000;
const EACH = Array.from({ length: EVENTS }, (_, n) => n);

/**
 * The browsers of an engine. Chromium's contexts have windows of their own; a page of the others in a tab behind another
 * one would be hidden, and would do other things when it goes, so there each worker has a browser.
 */
export class Fleet {
  #engine;
  #browsers = [];

  constructor(engine, workers) {
    this.#engine = engine;
    this.size = workers;
  }

  /** The browser of a worker. */
  browser(worker) {
    const place = this.#engine === "chromium" ? 0 : worker;
    this.#browsers[place] ??= launch(this.#engine);
    return this.#browsers[place];
  }

  async close() {
    for (const browser of this.#browsers) await (await browser)?.close();
  }
}

/**
 * @returns {Promise<{ runs: number, sent: number, stored: number, lost: number, twice: number, where: string[],
 *   notes: string[], broken: string[] }>} in events; `broken` are runs that the harness itself could not finish
 */
export async function measure({ engine, cell, runs: wanted, fleet }) {
  const count = Math.min(wanted, cell.runs ?? wanted);
  let result;
  await withProcesses(async (directory, own) => {
    let server;
    const runs = await Promise.all(Array.from({ length: count }, (_, number) => prepare(engine, cell, number, () => server.url)));
    try {
      server = await startServer(directory, { settings: cell.settings?.(runs.map(({ site }) => site.origin)) });
      own(server.process);
      const broken = await inTurns(fleet, engine, cell, runs);
      const records = await settled(server, runs);
      await server.process.stop();
      result = { runs: count, broken, notes: notes(runs), ...tally(runs, records) };
    } finally {
      await Promise.all(runs.map((run) => run.end()));
    }
  });
  return result;
}

async function prepare(engine, cell, number, target) {
  const id = `${engine} ${cell.name} ${number}`;
  const line = await Line.open(target);
  // Half of them send while they live, the others nearly all when they go.
  const flushInterval = number % 2 === 0 ? 5_000 : 100;
  const site = await openSite({ line: line.origin, run: id, key: WRITE_KEY, flushInterval, fill: false, ...cell.site });
  return new Run({ id, number, engine, site, line });
}

/** Runs them all, as many at once as there are workers; returns what went wrong with the harness itself. */
async function inTurns(fleet, engine, cell, runs) {
  const waiting = [...runs];
  const broken = [];
  const work = async (_, worker) => {
    for (let run = waiting.shift(); run; run = waiting.shift()) {
      try {
        await oneRun(fleet, worker, engine, cell, run);
      } catch (error) {
        broken.push(`${run.id}: ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(fleet.size, runs.length) }, work));
  return broken;
}

async function oneRun(fleet, worker, engine, cell, run) {
  if (cell.profile === "kept") await run.useOwnProfile();
  // There a context is no profile: the whole browser goes.
  else if (cell.profile === "gone" && engine === "webkit") await run.useOwnBrowser();
  else await run.useContextOf(await fleet.browser(worker));
  await cell.act(run);
  if (cell.profile !== "gone") await run.visitAgain();
  await run.leave();
}

/** The journal once every event is there, or nothing new comes any more. */
async function settled(server, runs) {
  const sent = runs.reduce((sum, run) => sum + run.sent, 0);
  let records = [];
  let since = Date.now();
  const look = async () => {
    const now = await readJournal(server);
    if (now.length > records.length) since = Date.now();
    records = now;
    return Date.now() - since > QUIET_MS && (tally(runs, records).stored >= sent || Date.now() - since > 3 * QUIET_MS);
  };
  await until("the journal is quiet", ARRIVAL_MS + runs.length * 100, look).catch(() => {});
  return records;
}

/** Counts by what each event says of itself, and by its id. */
export function tally(runs, records) {
  const found = new Map(runs.map(({ id }) => [id, { seen: new Set(), again: [] }]));
  const ids = new Set();
  for (const { event_id: id, properties: { run, n } = {} } of records) {
    if (!found.has(run)) continue;
    const { seen, again } = found.get(run);
    if (ids.has(id) || seen.has(n)) again.push(n);
    ids.add(id);
    seen.add(n);
  }
  const sum = (value) => runs.reduce((sum, run) => sum + value(run, found.get(run.id)), 0);
  const sent = sum((run) => run.sent);
  const stored = sum((_, { seen }) => seen.size);
  const twice = sum((_, { again }) => again.length);
  const where = runs.flatMap(({ id, sent, number }) => {
    const { seen, again } = found.get(id);
    const gone = sent ? EACH.filter((n) => !seen.has(n)) : [];
    return [
      ...(gone.length ? [`run ${number} lost ${gone.join(" ")}`] : []),
      ...(again.length ? [`run ${number} stored again ${again.join(" ")}`] : []),
    ];
  });
  return { sent, stored, lost: Math.max(0, sent - stored), twice, where };
}

function notes(runs) {
  const counts = new Map();
  for (const note of runs.flatMap(({ notes }) => notes)) counts.set(note, (counts.get(note) ?? 0) + 1);
  return [...counts].map(([note, count]) => `${count} × ${note}`);
}
