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

export interface Views {
  /** A new view of the page: everything counts again. */
  restart(): void;
  /** Nobody sees a hidden page, though its elements stay where they are. */
  pause(): void;
  /** What is visible has its whole time before it again. */
  resume(): void;
}

/** Nothing where the browser cannot tell what is visible. */
export function captureViews(guard: Guard, options: Checked, record: Record): Views | undefined {
  if (!window.IntersectionObserver) return undefined;
  const { viewShare = 0.5, viewTime = 1_000 } = options;
  /** Elements that are visible enough, each with what waits for its time to pass while the page is visible too. */
  const held = new Map<Element, ReturnType<typeof setTimeout> | undefined>();
  /** By the share of an element's area that they wait for. */
  const observers = new Map<number, IntersectionObserver>();
  /** Elements by who observes them in this view of the page, or did until they were viewed. */
  let observed = new WeakMap<Element, IntersectionObserver>();
  let soon: ReturnType<typeof setTimeout> | undefined;

  const pause = (): void => held.forEach(clearTimeout);
  const release = (element: Element): void => {
    clearTimeout(held.get(element));
    held.delete(element);
  };
  const hold = (element: Element): void => {
    clearTimeout(held.get(element));
    held.set(element, document.hidden ? undefined : setTimeout(seen, setting(element, "time", viewTime), element));
  };
  const observe = (element: Element, share: number): void => {
    let observer = observers.get(share);
    if (!observer) {
      const hear = guard.wrap((entries: IntersectionObserverEntry[]) => entries.forEach((entry) => changed(entry, share)));
      // At 0 it is told that an element comes into sight, and how large it is by then.
      observers.set(share, (observer = new IntersectionObserver(hear, { threshold: [0, share] })));
    }
    observed.get(element)?.unobserve(element);
    observed.set(element, observer);
    observer.observe(element);
  };
  const seen = guard.wrap((element: Element) => {
    release(element);
    observed.get(element)?.unobserve(element);
    record(element.getAttribute("data-track-view") || "element_view", describe(element));
  });
  const changed = (entry: IntersectionObserverEntry, share: number): void => {
    const { target, boundingClientRect, rootBounds } = entry;
    release(target);
    if (!entry.isIntersecting) return;
    // What is taller than the viewport is measured by the share of the viewport that it covers.
    const most = Math.min(1, (rootBounds?.height ?? innerHeight) / boundingClientRect.height) || 0;
    const needed = Math.floor(Math.min(1, setting(target, "share", viewShare)) * most * 1_000) / 1_000;
    if (needed !== share) observe(target, needed);
    else if (entry.intersectionRatio > share - 1e-6) hold(target);
  };
  /** Observes what is not observed yet. */
  const search = guard.wrap(() => {
    soon = undefined;
    for (const element of document.querySelectorAll("[data-track-view]")) {
      if (!observed.has(element)) observe(element, viewShare);
    }
  });
  const stop = (): void => {
    pause();
    held.clear();
    observers.forEach((observer) => observer.disconnect());
    observers.clear();
    observed = new WeakMap();
  };

  const changes = new MutationObserver(guard.wrap(() => void (soon ??= setTimeout(search, SETTLE_MS))));
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
