/**
 * What the visitor agreed to, by category: told to the core, and remembered for later pages once the visitor chose.
 * Everything needs `analytics`; what that means for events is the core's part.
 */
import { attempt } from "../attempt.js";

const GRADES: { [state: string]: number } = { denied: 0, pending: 1, granted: 2 };

export interface Consents {
  /** The place of an event's category. */
  category(event: string): number;
  /** Takes what is said now, or was said on an earlier page; returns it as it is to be remembered. */
  take(consent: unknown): string;
  /** Whether anything may be told at all. */
  isGranted(): boolean;
}

/** `tell` hears a digit for each category and, after a line feed, the same as JSON for the server. */
export function consents(categories: Readonly<Record<string, string>> | undefined, tell: (text: string) => void): Consents {
  const names = [...new Set(["analytics", ...Object.values(categories ?? {})])];
  let said: { readonly [category: string]: string } = {};
  return {
    category: (event) => Math.max(0, names.indexOf(categories?.[event] ?? "")),
    take(consent) {
      // An object has crossed as text, or was stored as one.
      const given: unknown = attempt(() => JSON.parse(consent as string)) ?? consent ?? {};
      said = { ...said, ...(given === Object(given) ? (given as object) : Object.fromEntries(names.map((name) => [name, given]))) };
      // What is not one of the three is not said yet.
      const grades = names.map((name) => GRADES[said[name] ?? "granted"] ?? 1);
      tell(`${grades.join("")}\n${JSON.stringify(Object.fromEntries(names.map((name, at) => [name, grades[at] === 2])))}`);
      return JSON.stringify(said);
    },
    isGranted: () => (said.analytics ?? "granted") === "granted",
  };
}
