/**
 * Views of elements marked `data-track-view`: a share of it visible for a time, once in each view of the page.
 * Elements added later count too; ones inside shadow roots are not looked for.
 */
import type { Checked } from "../options.js";
import { describe } from "./element.js";
import type { Guard } from "./guard.js";
import type { Record } from "./tracker.js";

/** A burst of changes to the page is looked through once. */
const SETTLE_MS = 100;
/** What is taller than the viewport waits for a share that only its size tells: so it is told at each hundredth. */
const STEPS = Array.from({ length: 101 }, (_, step) => step / 100);

export interface Views {
  /** A new view of the page: everything counts again. */
  restart(): void;
  /** Nobody sees a hidden page, though its elements stay where they are. */
  pause(): void;
  /** What is visible has its whole time before it again. */
  resume(): void;
}

/** Nothing where the browser cannot tell what is visible. */
export function captureViews(guard: Guard, { viewShare, viewTime }: Checked, record: Record): Views | undefined {
  if (!window.IntersectionObserver || !window.MutationObserver) return undefined;
  /** Elements that are visible enough, each with what waits for its time to pass. */
  const held = new Map<Element, ReturnType<typeof setTimeout> | undefined>();
  /** Elements that are observed in this view of the page, or were until they were viewed. */
  let known = new WeakSet<Element>();
  let soon: ReturnType<typeof setTimeout> | undefined;

  const pause = (): void => held.forEach(clearTimeout);
  const hold = (element: Element): void => {
    clearTimeout(held.get(element));
    held.set(element, document.hidden ? undefined : setTimeout(seen, setting(element, "time", viewTime ?? 1_000), element));
  };
  const seen = guard.wrap((element: Element) => {
    held.delete(element);
    visibility.unobserve(element);
    record(element.getAttribute("data-track-view") || "element_view", describe(element));
  });
  const changed = ({ target, boundingClientRect, intersectionRatio, isIntersecting }: IntersectionObserverEntry): void => {
    // It may cover the viewport and have more.
    const most = Math.min(1, innerHeight / boundingClientRect.height || 1);
    const needed = Math.floor(Math.min(1, setting(target, "share", viewShare ?? 0.5)) * most * 100) / 100;
    if (!isIntersecting || intersectionRatio < needed) {
      clearTimeout(held.get(target));
      held.delete(target);
    } else if (!held.has(target)) hold(target);
  };
  /** Observes what is not observed yet. */
  const search = guard.wrap(() => {
    soon = undefined;
    for (const element of document.querySelectorAll("[data-track-view]")) {
      if (known.has(element)) continue;
      known.add(element);
      visibility.observe(element);
    }
  });
  const visibility = new IntersectionObserver(guard.wrap((entries) => entries.forEach(changed)), { threshold: STEPS });
  const changes = new MutationObserver(guard.wrap(() => void (soon ??= setTimeout(search, SETTLE_MS))));
  const stop = (): void => {
    pause();
    held.clear();
    visibility.disconnect();
  };
  changes.observe(document, { childList: true, subtree: true, attributeFilter: ["data-track-view"] });
  guard.whenOff(() => {
    stop();
    clearTimeout(soon);
    changes.disconnect();
  });
  search();
  return {
    restart() {
      stop();
      known = new WeakSet();
      search();
    },
    pause,
    resume: () => [...held.keys()].forEach(hold),
  };
}

/** An element's own setting. */
function setting(element: Element, what: string, otherwise: number): number {
  const own = parseFloat(element.getAttribute(`data-track-view-${what}`)!);
  return own >= 0 ? own : otherwise;
}
