/**
 * Lets one tab at a time do something short. The lock is held only while it is done, never while the page waits: a page
 * that holds one is kept out of the back/forward cache.
 */
import { attempt } from "../attempt.js";

/** Where there are no locks (`http:`), a mark that nobody overwrites for so long is as good as one. */
const CONTEST_MS = 100;

/** Runs it at once, soon, or, where another tab is at it, not at all. */
export function oneTab(name: string, run: () => void): void {
  const locked = attempt(() => navigator.locks.request(name, { ifAvailable: true }, (lock) => lock && run()).catch(() => {}));
  if (locked) return;
  // Where nothing is stored, nothing is shared.
  attempt(() => {
    const mark = `${Math.random()}`;
    localStorage[name] = mark;
    setTimeout(() => localStorage[name] === mark && run(), CONTEST_MS);
  });
}
