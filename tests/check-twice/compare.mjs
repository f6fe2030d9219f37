// Asks the wasm module for its verdict on each event and compares it with the native one.
// node compare.mjs MODULE.wasm < what check-twice prints

import { readFileSync } from "node:fs";

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]));
const { memory, input, judge, output } = instance.exports;

function verdict(text) {
  const bytes = new TextEncoder().encode(text);
  const at = input(bytes.length);
  new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
  const length = judge();
  return new TextDecoder().decode(new Uint8Array(memory.buffer, output(), length));
}

const lines = readFileSync(0, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
let differ = 0;
for (let i = 0; i < lines.length; i += 2) {
  const [native, text] = [lines[i], lines[i + 1]];
  const wasm = verdict(text);
  if (wasm !== native && differ++ < 10) console.error(`differs on ${text}\n  native ${native}\n  wasm   ${wasm}`);
}
const events = lines.length / 2;
if (events < 10_000) throw new Error(`only ${events} events were compared`);
console.log(`${events - differ} verdicts passed, ${differ} failed: the check in wasm and natively`);
process.exitCode = differ === 0 ? 0 : 1;
