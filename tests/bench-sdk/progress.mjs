// How far a long measurement is: one line that is written over, or a line a minute where nobody watches.
const started = Date.now();
const MINUTE_MS = 60_000;
let told = started;

export function progress(words) {
  const { stderr } = process;
  const seconds = Math.round((Date.now() - started) / 1_000);
  if (stderr.isTTY) stderr.write(`\r\u001b[K${words && `    ${seconds} s  ${words}`}`);
  else if (words && Date.now() - told >= MINUTE_MS) {
    told = Date.now();
    stderr.write(`    ${seconds} s  ${words}\n`);
  }
}
