// Every browser test, in one engine: the engine is started once for all of them, and `npm test` runs the engines side by
// side. `node --test tests/clicks.test.mjs` runs one file in all engines.
import { readdirSync } from "node:fs";
import { after } from "node:test";
import { engines, missing } from "../support/browser.mjs";

/** Those that need no engine, or choose theirs; `npm test` runs them beside these. */
const OTHERS = new Set(["package.test.mjs", "source.test.mjs"]);

export async function testIn(engine) {
  narrow(engines, (other) => other === engine);
  narrow(missing, (other) => other.engine === engine);
  const { closeBrowsers } = await import("../support/visit.mjs");
  after(closeBrowsers);
  const files = readdirSync(new URL("..", import.meta.url)).filter((name) => name.endsWith(".test.mjs"));
  for (const file of files.filter((name) => !OTHERS.has(name))) await import(`../${file}`);
}

function narrow(list, isWanted) {
  list.splice(0, list.length, ...list.filter(isWanted));
}
