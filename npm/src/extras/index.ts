/** The second part: starts the captures that are switched on, each once. Everything else is lent by the base. */
import type { Tools } from "../browser/extras.js";
import type { Capture } from "../types.js";
import { captureCopies } from "./copy.js";
import { captureErrors } from "./errors.js";
import { captureForms } from "./forms.js";
import { captureMedia } from "./media.js";
import { capturePrints } from "./print.js";
import { passTraces } from "./traces.js";
import { captureVitals } from "./vitals.js";

const CAPTURES: readonly [name: keyof Capture, start: (tools: Tools) => void][] = [
  ["forms", captureForms],
  ["media", captureMedia],
  ["errors", captureErrors],
  ["vitals", captureVitals],
  ["copy", captureCopies],
  ["print", capturePrints],
  ["traces", passTraces],
];

export function lend(tools: Tools): (capture: Capture) => void {
  const running = new Set<string>();
  return (capture) => {
    for (const [name, start] of CAPTURES) {
      if (!capture[name] || running.has(name)) continue;
      running.add(name);
      start(tools);
    }
  };
}
