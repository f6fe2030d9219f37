/**
 * Lets one tab at a time do something short. The lock is held only while it is done, never while the page waits: a page
 * that holds one is kept out of the back/forward cache.
 */

import { attempt } from "../attempt.js";

/** How long the mark of another tab counts where there are no locks (`http:`), and how long a mark may be overwritten. */
const MARKED_MS = 2_000;
const CONTEST_MS = 100;

/** Runs it at once, soon, or, where another tab is at it, not at all. */
export function oneTab(name: string, run: () => void): void {
  const { locks } = navigator as { locks?: LockManager };
  if (locks) {
    locks.request(name, { ifAvailable: true }, (lock) => lock && run()).catch(() => {});
    return;
  }
  // Where nothing is stored, nothing is shared.
  attempt(() => {
    const mark = `${Date.now()} ${Math.random()}`;
    if (Date.now() - parseInt(localStorage[name], 10) < MARKED_MS) return;
    localStorage[name] = mark;
    setTimeout(() => localStorage[name] === mark && run(), CONTEST_MS);
  });
}
