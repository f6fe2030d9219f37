/**
 * Work that can wait until the page has answered its visitor: a later task of low priority. It is done in order, and
 * at once by `drain`, before anything that must come after it.
 */
import { attempt } from "../attempt.js";
import type { Guard } from "./guard.js";

/** What waits at most; one more, and all of it is done. */
const WAITING = 100;

export interface Later {
  later(run: () => void): void;
  drain(): void;
}

/** Not every browser has it, nor every list of types. */
interface Page {
  scheduler?: { postTask(run: () => void, options: { priority: string }): unknown };
}

export function makeLater(guard: Guard): Later {
  let waiting: (() => void)[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const drain = guard.wrap(() => {
    // One by one, so that what is left of them is done by the next one where a script is cancelled.
    while (waiting[0]) waiting.shift()!();
  });
  const soon = (): void => {
    if (!attempt(() => [(window as Page).scheduler!.postTask(drain, { priority: "background" })])) timer = setTimeout(drain);
  };
  guard.whenOff(() => {
    waiting = [];
    clearTimeout(timer);
  });
  return {
    later(run) {
      const count = waiting.push(run);
      if (count > WAITING) drain();
      else if (count === 1) soon();
    },
    drain,
  };
}
