/**
 * The second part: what few sites use. Captures that are switched on, each started once; the checks of options and the
 * reports for debug and hooks; cookies. Everything else is lent by the base.
 */
import type { Lent, Tools } from "../browser/extras.js";
import type { Capture } from "../types.js";
import { captureCopies } from "./copy.js";
import { captureErrors } from "./errors.js";
import { captureForms } from "./forms.js";
import { captureMedia } from "./media.js";
import { capturePrints } from "./print.js";
import { timers } from "./timers.js";
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

export { withCookies } from "./cookies.js";
export { edits } from "./events.js";
export { checked } from "./options.js";
export { reports } from "./reports.js";

export function lend(tools: Tools): Lent {
  const running = new Set<string>();
  const calls = timers(tools);
  return {
    start(capture) {
      for (const [name, start] of CAPTURES) {
        if (!capture[name] || running.has(name)) continue;
        running.add(name);
        start(tools);
      }
    },
    call(method, at, name, json) {
      if (calls[method]) calls[method](at, name, json as string);
      else tools.say(`there is no call ${method}`);
    },
  };
}
