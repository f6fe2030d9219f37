/** Reads the options of `init` and of a tag's attributes. What is wrong with them is told by the second part, in debug. */
import { attempt } from "./attempt.js";
import type { Options } from "./types.js";

/** Options as they are used. */
export type Checked = Options & { endpoint: string };

const NUMBERS = /^(flush|view|sample|storageB)/;
const WORDS = /^(keyEvents|allowQuery)$/;
/** What is captured where nothing is named. */
const BASE = "clicks views pages leave";

const words = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

/** The options, those that came as texts read. */
export function read(given: Options): Checked {
  const options: { [name: string]: unknown } = { ...given };
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== "string") continue;
    if (NUMBERS.test(name)) options[name] = +value;
    else if (WORDS.test(name)) options[name] = words(value);
    else if (name === "hashRoutes") options[name] = value !== "false";
    else if (value === "required") options[name] = "pending";
    // What is named is on, and nothing else.
    else if (name === "capture") options[name] = Object.fromEntries(words(BASE).map((capture) => [capture, false]).concat(words(value).map((capture) => [capture, true])));
  }
  // Where it is not known what is to be masked, everything is.
  if (attempt(() => document.documentElement.matches(`a,${given.mask ?? "a"}`)) === undefined) options.mask = "*";
  options.endpoint = `${given.endpoint || location.origin}`.replace(/\/+$/, "");
  return options as unknown as Checked;
}
