/**
 * Leaving a view of the page: how long it was visible, and the deepest share of the page that was seen. Told each time
 * that the page is hidden and when a route ends, with a revision that counts up; the last one has the totals.
 */
import type { Guard } from "./guard.js";
import type { Record } from "./tracker.js";

export interface Leaving {
  /** Looks how deep the page is seen, unless somebody scrolled: before what is there is replaced. */
  look(): void;
  /** The page is hidden, or its view ends. */
  leave(): void;
  /** The page is visible again. */
  resume(): void;
  /** A new view of the page. */
  restart(): void;
}

export function captureLeaving(guard: Guard, record: Record): Leaving {
  /** Since when the page is visible, on `performance.now()`, or 0; that clock goes on while a page is frozen or cached. */
  let since = 0;
  let dwell = 0;
  /** How much of it was told. */
  let told = 0;
  let depth = 0;
  let revision = 0;

  const scrolled = (): void => {
    const seen = Math.min(1, (scrollY + innerHeight) / document.documentElement.scrollHeight);
    depth = Math.max(depth, Math.round(seen * 100) / 100);
  };
  const look = (): void => {
    if (!depth) scrolled();
  };
  const pause = (): void => {
    if (since) dwell += performance.now() - since;
    since = 0;
  };
  const resume = (): void => {
    if (!document.hidden) since ||= performance.now();
  };
  guard.listen(window, "scroll", scrolled);
  resume();
  return {
    look,
    leave() {
      pause();
      if (dwell <= told) return;
      told = dwell;
      look();
      record("page_leave", { dwell_ms: Math.round(dwell), scroll_depth: depth, revision: ++revision });
    },
    resume,
    restart() {
      since = dwell = told = depth = revision = 0;
      resume();
    },
  };
}
