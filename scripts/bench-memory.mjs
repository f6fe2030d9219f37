// The last rows of `make bench`: what the server held of memory under more than it can bear, beside its bounds.
// `node bench-memory.mjs CALM OVER BOUND COUNT CONNECTIONS`: two files of `load`, the bytes of each of COUNT bounds that are
// settings, and how many connections more there were; the bound of what each has read is 32 KiB (docs/architecture.md).
import { readFileSync } from "node:fs";

const [calm, over] = process.argv.slice(2, 4).map((file) => JSON.parse(readFileSync(file, "utf8")));
const [bound, count, connections] = process.argv.slice(4).map(Number);
const bounds = bound * count + connections * 32 * 1024;
const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const tooMuch = over.peak_memory_bytes > calm.peak_memory_bytes + bounds + 50 * 2 ** 20;

console.log(`memory at a load that it bears         ${mib(calm.peak_memory_bytes)}`);
console.log(`memory under more than it can bear     ${mib(over.peak_memory_bytes)}, at most ${mib(bounds)} of bounds and 50 MiB more${tooMuch ? "  TOO MUCH" : ""}`);
console.log(`events acknowledged and in the topic   ${over.count.acknowledged}; missing ${over.count.missing}, stored twice ${over.count.stored_twice}`);
console.log(`events refused, each told so           ${over.refused}`);
process.exit(tooMuch || over.refused === 0 ? 1 : 0);
