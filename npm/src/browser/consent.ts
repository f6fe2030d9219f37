/**
 * What the visitor agreed to, by category: told to the core, and remembered for later pages once the visitor chose.
 * Everything needs `analytics`; what that means for events is the core's part.
 */
import type { Consent, ConsentState } from "../types.js";
import type { Store } from "./storage.js";

const GRADES = { denied: 0, pending: 1, granted: 2 };

export interface Consents {
  /** The place of an event's category. */
  category(event: string): number;
  /** What the visitor says now. */
  say(consent: Consent | string): void;
  /** Whether anything may be told at all. */
  isGranted(): boolean;
}

/** `tell` hears a digit for each category and, after a line feed, the same as JSON for the server. */
export function consents(
  stored: Store,
  { consent, categories = {} }: { consent?: Consent; categories?: Readonly<Record<string, string>> },
  tell: (text: string) => void,
): Consents {
  const names = [...new Set(["analytics", ...Object.values(categories)])];
  let said: { readonly [category: string]: ConsentState } = {};
  const take = (given: Consent | string): void => {
    let read = given;
    // A value that crossed as text, or was stored by an earlier page.
    if (typeof given === "string" && given.startsWith("{")) read = JSON.parse(given) as Consent;
    const all = typeof read === "string" ? Object.fromEntries(names.map((name) => [name, read])) : read;
    said = { ...said, ...(all as typeof said) };
    const grades = names.map((name) => GRADES[said[name] ?? "granted"] ?? 1).join("");
    tell(`${grades}\n${JSON.stringify(Object.fromEntries(names.map((name) => [name, said[name] === "granted"])))}`);
  };
  const before = stored.get("consent") ?? consent;
  if (before) take(before);
  return {
    category: (event) => Math.max(0, names.indexOf(categories[event]!)),
    say(given) {
      take(given);
      stored.set("consent", JSON.stringify(said));
    },
    isGranted: () => (said.analytics ?? "granted") === "granted",
  };
}
