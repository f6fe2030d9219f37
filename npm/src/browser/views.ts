/**
 * Views of elements marked `data-track-view`: half of it visible for one second, once in each view of the page.
 * Elements added later count too; ones inside shadow roots are not looked for.
 */
import { describe } from "./element.js";
import type { Guard } from "./guard.js";
import type { Record } from "./tracker.js";

const SHARE = 0.5;
const HOLD_MS = 1_000;
/** A burst of changes to the page is looked through once. */
const SETTLE_MS = 100;

export interface Views {
  /** A new view of the page: everything counts again. */
  restart(): void;
  /** Nobody sees a hidden page, though its elements stay where they are. */
  pause(): void;
  /** Looks again at what is visible now. */
  resume(): void;
}

export function captureViews(guard: Guard, record: Record): Views {
  /** Elements that were viewed in this view of the page. */
  let viewed = new WeakSet<Element>();
  /** Elements that are visible, each until its second has passed. */
  const held = new Map<Element, ReturnType<typeof setTimeout>>();
  let soon: ReturnType<typeof setTimeout> | undefined;

  const release = (element: Element): void => {
    clearTimeout(held.get(element));
    held.delete(element);
  };
  const seen = guard.wrap((element: Element) => {
    release(element);
    visibility.unobserve(element);
    viewed.add(element);
    record(element.getAttribute("data-track-view") || "element_view", describe(element));
  });
  const changed = (entries: IntersectionObserverEntry[]): void => {
    for (const { target, intersectionRatio } of entries) {
      release(target);
      if (intersectionRatio >= SHARE) held.set(target, setTimeout(seen, HOLD_MS, target));
    }
  };
  /** Observes what is not observed yet; observing twice is once. */
  const search = guard.wrap(() => {
    soon = undefined;
    for (const element of document.querySelectorAll("[data-track-view]")) {
      if (!viewed.has(element)) visibility.observe(element);
    }
  });
  const pause = (): void => [...held.keys()].forEach(release);
  const resume = (): void => {
    pause();
    visibility.disconnect();
    search();
  };

  const visibility = new IntersectionObserver(guard.wrap(changed), { threshold: SHARE });
  const changes = new MutationObserver(guard.wrap(() => void (soon ??= setTimeout(search, SETTLE_MS))));
  changes.observe(document, { childList: true, subtree: true, attributeFilter: ["data-track-view"] });
  guard.whenOff(() => {
    pause();
    clearTimeout(soon);
    visibility.disconnect();
    changes.disconnect();
  });
  search();
  return {
    restart() {
      viewed = new WeakSet();
      resume();
    },
    pause,
    resume,
  };
}
