/**
 * Brings in the second part, `src/extras/`: captures that few sites switch on. It comes once, when the first of them
 * is switched on, and is lent what the base has; where it cannot come, all else goes on.
 */
import type { Reports } from "../extras/reports.js";
import type { Capture, Options } from "../types.js";
import type { Kind } from "./core.js";
import type { Guard } from "./guard.js";
import type { Store } from "./storage.js";
import type { Record } from "./tracker.js";

/** What the base lends, so that nothing is transferred twice. */
export interface Tools {
  guard: Guard;
  record: Record;
  /** What is told of an element, with what it is found by. */
  describe(element: Element): object;
  /** An address as privacy lets it be told: a path within the site, no query. */
  target(address: URL): string | undefined;
  /** A text without what belongs to somebody. */
  masked(text: string): string;
  /** The selector of what the site masks. */
  mask: string;
  /** Says something in debug. */
  say(words: string): void;
  /** Where the SDK's own requests go. */
  endpoint: string;
  /** Run before the core hears that the page is hidden or left. */
  hiding: (() => void)[];
  /** Run before a new view of the page begins. */
  viewing: (() => void)[];
}

/** What the core is told of an event. */
export interface Told {
  kind: Kind;
  /** The event's name; of `identify` and `alias` the user's id, of `group` the group's. */
  name: string;
  /** Properties or traits as JSON; of `alias` the id before. */
  json: string;
  at: number;
}

/** The second part as a module. */
export interface Extras {
  /** Takes the tools, for what is started or called later. */
  lend(tools: Tools): Lent;
  /** The options that are right; what is wrong is said. */
  checked(options: Options): Options;
  /** What hooks and console hear. */
  reports(options: Options): Reports;
  /** Shows each event to the page's own hook; false where it is not to be queued. */
  edits(options: Options, reports: Reports): (told: Told) => boolean;
  /** Keeps the visitor's ids in cookies. */
  withCookies(stored: Store, writeKey: string, domain?: string): Store;
}

export interface Lent {
  /** Starts the captures that are on and do not run yet. */
  start(capture: Capture): void;
  /** Makes a call that few make. */
  call(method: string, at: number, ...args: unknown[]): void;
}

/** Returns what brings the second part, at the start or at any time later. */
export function bringExtras(load: () => Promise<Extras>, tools: Tools): (use: (lent: Lent) => void) => void {
  let coming: Promise<Lent> | undefined;
  return (use) => {
    if (!coming) {
      coming = load().then(({ lend }) => lend(tools));
      coming.catch((error: unknown) => tools.say(`the second part cannot be loaded: ${error}`));
    }
    coming.then(tools.guard.wrap(use)).catch(() => {});
  };
}
