/**
 * Brings in the second part, `src/extras/`: captures that few sites switch on. It comes once, when the first of them
 * is switched on, and is lent what the base has; where it cannot come, all else goes on.
 */
import type { Cookies } from "../extras/cookies.js";
import type { Reports } from "../extras/reports.js";
import type { Capture, Options } from "../types.js";
import type { Guard } from "./guard.js";
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
  /** Where the SDK's own requests go. */
  endpoint: string;
  /** Run before the core hears that the page is hidden or left. */
  hiding: (() => void)[];
  /** Run before a new view of the page begins. */
  viewing: (() => void)[];
}

/** The second part as a module. */
export interface Extras {
  /** Takes the tools; what is returned starts the captures that are on and do not run yet. */
  lend(tools: Tools): (capture: Capture) => void;
  /** The options that are right; what is wrong is said. */
  checked(options: Options): Options;
  /** What hooks and console hear. */
  reports(options: Options): Reports;
  cookies(domain?: string): Cookies;
}

/** Returns what switches captures of the second part on, at the start or at any time later. */
export function bringExtras(load: () => Promise<Extras>, tools: Tools, say: (words: string) => void): (capture: Capture) => void {
  let coming: Promise<(capture: Capture) => void> | undefined;
  return (capture) => {
    // Those of the base have been started.
    if (!Object.values(capture).some((isOn) => isOn)) return;
    coming ??= load()
      .then(({ lend }) => tools.guard.wrap(lend(tools)))
      .catch((error: unknown) => {
        say(`the second part cannot be loaded: ${error}`);
        return () => {};
      });
    void coming.then((begin) => begin(capture));
  };
}
