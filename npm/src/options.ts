/** Checks the options of `init`; whatever is not understood is said in words and left out. */
import { EXTRA_CAPTURES } from "./browser/extras.js";
import { warn } from "./console.js";
import type { Capture, Options } from "./types.js";

/** Options that are right, with what is captured by default decided. */
export type Checked = Options & { endpoint: string; capture: Capture };

type Rule = [fits: (value: unknown) => unknown, right: string];

const isText = (value: unknown): boolean => typeof value === "string" && value.length > 0 && value.length <= 128;
const text: Rule = [isText, "a text of at most 128 characters"];
const flag: Rule = [(value) => value === !!value, "true or false"];
const whole = (from: number, to: number): Rule => [
  (value) => Number.isInteger(value) && (value as number) >= from && (value as number) <= to,
  `a whole number from ${from} to ${to}`,
];

const CAPTURE: Record<string, Rule> = Object.fromEntries(["clicks", "views", "pages", ...EXTRA_CAPTURES].map((name) => [name, flag]));
const OPTIONS: Record<string, Rule> = {
  key: text,
  endpoint: text,
  userId: text,
  flushInterval: whole(100, 600_000),
  flushCount: whole(1, 500),
  keyEvents: [(value) => Array.isArray(value) && value.every(isText), "an array of names"],
  capture: [(value) => value && typeof value === "object", "an object"],
  debug: flag,
};

/** The options that are right; `undefined` where there is no write key. */
export function checked(options: Options): Checked | undefined {
  const good = { endpoint: location.origin, ...take(options, OPTIONS, "") } as Checked;
  if (!good.key) {
    warn('init needs a write key, such as { key: "pk_…" }; nothing is captured');
    return undefined;
  }
  good.endpoint = good.endpoint.replace(/\/+$/, "");
  good.capture = { clicks: true, views: true, pages: true, ...take(good.capture, CAPTURE, "capture.") };
  return good;
}

function take(from: object | undefined, rules: Record<string, Rule>, place: string): object {
  const good: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(from ?? {})) {
    const [fits, right] = rules[name] ?? [];
    if (!fits) warn(`there is no option ${place}${name}; there are ${Object.keys(rules)}`);
    else if (fits(value)) good[name] = value;
    // What is not set may be said to be.
    else if (value !== undefined) warn(`option ${place}${name} is left out: it must be ${right}`);
  }
  return good;
}
