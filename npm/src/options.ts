/** Checks the options of `init`; whatever is not understood is said in words and left out. */
import { warn } from "./console.js";
import type { Capture, Options } from "./types.js";

/** Options that are right, with every capture decided. */
export type Checked = Options & { endpoint: string; capture: Required<Capture> };

type Rule = [fits: (value: unknown) => boolean, right: string];

const text: Rule = [(value) => typeof value === "string" && /^[^]{1,128}$/.test(value), "a text of 1 to 128 characters"];
const flag: Rule = [(value) => typeof value === "boolean", "true or false"];
const whole = (from: number, to: number): Rule => [
  (value) => Number.isInteger(value) && (value as number) >= from && (value as number) <= to,
  `a whole number from ${from} to ${to}`,
];

const CAPTURE: Record<string, Rule> = { clicks: flag, views: flag, pages: flag };
const OPTIONS: Record<string, Rule> = {
  key: text,
  endpoint: [(value) => typeof value === "string", "a URL"],
  userId: text,
  flushInterval: whole(100, 600_000),
  flushCount: whole(1, 500),
  keyEvents: [(value) => Array.isArray(value) && value.every(text[0]), "an array of event names"],
  capture: [(value) => typeof value === "object" && value !== null, "an object such as { clicks: true }"],
  debug: flag,
};

/** The options that are right; `undefined` where there is no write key. */
export function checked(options: Options): Checked | undefined {
  const good = take(options, OPTIONS, "") as Partial<Options>;
  if (!good.key) {
    warn('init needs a write key, such as init({ key: "pk_…" }); nothing is captured');
    return undefined;
  }
  return {
    ...(good as Options),
    endpoint: (good.endpoint ?? "").replace(/\/+$/, "") || location.origin,
    capture: { clicks: true, views: true, pages: true, ...take(good.capture ?? {}, CAPTURE, "capture.") },
  };
}

function take(from: object, rules: Record<string, Rule>, place: string): Record<string, unknown> {
  const good: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(from ?? {})) {
    const rule = rules[name];
    if (!rule) {
      warn(`there is no option ${place}${name}; known are ${Object.keys(rules).join(", ")}`);
    } else if (rule[0](value)) {
      good[name] = value;
    } else if (value !== undefined && value !== null) {
      warn(`option ${place}${name} is left out: it must be ${rule[1]}`);
    }
  }
  return good;
}
