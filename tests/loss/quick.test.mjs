// The quick form of the loss matrix: a few runs of the cells that break first. `make loss` is the whole of it.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { engines, missing } from "../../npm/tests/support/browser.mjs";
import { cells } from "./cells.mjs";
import { Fleet, measure } from "./measure.mjs";
import { EVENTS } from "./run.mjs";

const RUNS = 3;

for (const { engine, why } of missing) test(`nothing is lost in ${engine}`, { skip: why }, () => {});

for (const engine of engines) {
  // All cells of an engine at once: most of the time of each is spent with waiting.
  describe(`nothing is lost and nothing is stored twice in ${engine}`, { concurrency: true }, () => {
    const fleet = new Fleet(engine, RUNS);
    after(() => fleet.close());
    for (const cell of cells.filter(({ isQuick }) => isQuick)) {
      test(`after ${cell.name}`, async () => {
        const { sent, where, notes, broken } = await measure({ engine, cell, runs: RUNS, fleet });
        assert.deepEqual({ sent, where, notes, broken }, { sent: RUNS * EVENTS, where: [], notes: [], broken: [] });
      });
    }
  });
}
