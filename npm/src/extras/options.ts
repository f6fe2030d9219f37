/** Checks the options of `init`; whatever is not understood is said in words and left out. */
import { warn } from "../console.js";
import type { Capture, Options } from "../types.js";

/** Which values are right, in words too. */
type Rule = readonly [fits: (value: unknown) => unknown, right: string];

const CAPTURES = ["clicks", "views", "pages", "leave", "forms", "media", "errors", "vitals", "copy", "print", "traces"];

const isText = (value: unknown): boolean => typeof value === "string" && value.length > 0 && value.length <= 128;
const isShare = (value: unknown): boolean => typeof value === "number" && value >= 0 && value <= 1;
/** An object each value of which fits. */
const each = (fits: (value: unknown) => unknown) => (value: unknown): boolean =>
  !!value && typeof value === "object" && Object.values(value).every(fits);
const isSelector = (value: unknown): boolean => {
  try {
    return typeof value === "string" && document.createElement("a").matches(`a,${value}`);
  } catch {
    return false;
  }
};
const text: Rule = [isText, "a text of at most 128 characters"];
const flag: Rule = [(value) => value === !!value, "true or false"];
const names: Rule = [(value) => Array.isArray(value) && value.every(isText), "an array of names"];
const share: Rule = [isShare, "a number from 0 to 1"];
const shares: Rule = [each(isShare), "an object of names with numbers from 0 to 1"];
const hook: Rule = [(value) => typeof value === "function", "a function"];
const oneOf = (...allowed: string[]): Rule => [(value) => allowed.includes(value as string), `one of ${allowed}`];
const whole = (from: number, to: number): Rule => [
  (value) => Number.isInteger(value) && (value as number) >= from && (value as number) <= to,
  `a whole number from ${from} to ${to}`,
];
const isConsent = (value: unknown): boolean => /^(granted|denied|pending)$/.test(value as string);

const CAPTURE: Record<string, Rule> = Object.fromEntries(CAPTURES.map((name) => [name, flag]));
const OPTIONS: Record<string, Rule> = {
  key: text,
  endpoint: text,
  userId: text,
  flushInterval: whole(100, 600_000),
  flushCount: whole(1, 500),
  storageBytes: whole(10_000, 2_000_000),
  keyEvents: names,
  capture: [(value) => value && typeof value === "object", "an object"],
  viewShare: share,
  viewTime: whole(0, 600_000),
  hashRoutes: flag,
  allowQuery: names,
  mask: [isSelector, "a CSS selector"],
  consent: [
    (value) => isConsent(value) || each(isConsent)(value),
    "granted, denied or pending, or an object of categories with these",
  ],
  categories: [each(isText), "an object of event names with their categories"],
  privacy: oneOf("anonymous", "off", "ignore"),
  storage: oneOf("localStorage", "cookie", "memory"),
  cookieDomain: text,
  sampleRate: share,
  sample: shares,
  beforeSend: hook,
  onSent: hook,
  onDropped: hook,
  debug: flag,
};

/** The options that are right. */
export function checked(options: Options): Options {
  const good = take(options, OPTIONS, "") as Options;
  if (good.capture) good.capture = take(good.capture, CAPTURE, "capture.") as Capture;
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
