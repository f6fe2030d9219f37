// What a visitor's browser loads of a tracker until its first page view has been sent: scripts and modules, each
// packed by brotli at its best.
import { brotliCompressSync, constants } from "node:zlib";
import { sum } from "../figures.mjs";
import { visit } from "../visit.mjs";

export async function measureTransfer(bench, tracker) {
  return visit(bench, tracker, {}, ({ seen }) => {
    if (seen.loaded.size === 0) throw new Error(`${tracker.name} loads nothing`);
    return { bytes: sum([...seen.loaded.values()].map(packed)), files: seen.loaded.size };
  });
}

function packed(content) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  return brotliCompressSync(content, { params }).length;
}
