/**
 * Dead clicks: nothing happened within a second. A sign of life is a change of the document or of the shadow roots
 * around the click, another address, one of the events below, or whatever the site tells; the first one settles all
 * clicks that wait.
 */
import type { Guard } from "./guard.js";

const VERDICT_MS = 1_000;
/** Clicks that wait at most; one more, and all of them are taken to be alive. */
const WAITING = 32;
const SIGNS = "scroll focus blur selectionchange submit reset invalid input change toggle play pause";
const OBSERVED = { subtree: true, childList: true, attributes: true, characterData: true };

/** A click: whether it does something that a script cannot see, and what to do with the verdict. */
type Click = { href: string; isFollowed: () => boolean; told: (dead?: true) => void; timer?: ReturnType<typeof setTimeout> };

export interface Verdicts {
  /** Waits for the verdict on a click. `path` leads from it to the window. */
  await(path: EventTarget[], isFollowed: () => boolean, told: (dead?: true) => void): void;
  /** Something happened: no click that waits is dead. */
  alive(): void;
}

export function judgeClicks(guard: Guard): Verdicts {
  let waiting: Click[] = [];
  const alive = guard.wrap(() => {
    if (!waiting.length) return;
    changes.disconnect();
    for (const { timer, told } of waiting.splice(0)) {
      clearTimeout(timer);
      told();
    }
  });
  // All wait equally long: the first in is the first out.
  const late = guard.wrap(() => {
    const { href, isFollowed, told } = waiting.shift()!;
    if (!waiting.length) changes.disconnect();
    told(href === location.href && !isFollowed() ? true : undefined);
  });
  const changes = new MutationObserver(alive);
  for (const sign of SIGNS.split(" ")) guard.listen(window, sign, alive);
  guard.whenOff(() => {
    changes.disconnect();
    for (const { timer } of waiting) clearTimeout(timer);
  });
  return {
    await(path, isFollowed, told) {
      if (waiting.length >= WAITING) alive();
      for (const node of path) if (node === document || node instanceof ShadowRoot) changes.observe(node as Node, OBSERVED);
      waiting.push({ href: location.href, isFollowed, told, timer: setTimeout(late, VERDICT_MS) });
    },
    alive,
  };
}
