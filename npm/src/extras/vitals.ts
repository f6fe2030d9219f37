/**
 * Web vitals after their public definitions (https://web.dev/articles/vitals): LCP, CLS, INP and TTFB, told once when
 * the page is hidden for the first time, and once more for each return from the back/forward cache. What an engine
 * does not measure is left out.
 */
import type { Tools } from "../browser/extras.js";
import { told } from "./address.js";

/** Up to which value each is good, and above which it is poor. */
const RATINGS = { LCP: [2_500, 4_000], CLS: [0.1, 0.25], INP: [200, 500], TTFB: [800, 1_800] } as const;
/** Of so many interactions one may be slower. */
const SPARED = 50;
/** The most interactions that are held: 500 can be spared for before the value is too low. */
const HELD = 10;

/** A window of shifts in which nothing shifted yet. */
const NO_SHIFTS = { from: 0, to: -Infinity, sum: 0, most: 0, node: undefined as Node | null | undefined };

interface Shift extends PerformanceEntry {
  value: number;
  hadRecentInput: boolean;
  sources?: { node?: Node | null }[];
}
interface Paint extends PerformanceEntry {
  element?: Element | null;
}
interface Interaction {
  id: number;
  duration: number;
  type: string;
  target: object | undefined;
}
type Timed = PerformanceEventTiming & { interactionId?: number };

export function captureVitals({ guard, record, describe, target, hiding }: Tools): void {
  const [navigation] = performance.getEntriesByType?.("navigation") ?? [];
  const { activationStart = 0, responseStart, type, name } = (navigation ?? {}) as PerformanceNavigationTiming & {
    activationStart?: number;
  };
  /** A page that nobody saw yet has no largest paint. */
  const hiddenAt = (performance.getEntriesByType?.("visibility-state") ?? []).find(
    (state) => state.name === "hidden" && state.startTime >= activationStart,
  )?.startTime ?? (document.hidden ? 0 : Infinity);

  let isTold = false;
  let arrival = activationStart ? "prerender" : type?.replace("_", "-");
  let ttfb = responseStart ? Math.max(responseStart - activationStart, 0) : undefined;
  let lcp: number | undefined;
  let painted: object | undefined;
  let cls: number | undefined;
  let shifted: object | undefined;
  /** The window of shifts that is under way. */
  let session = NO_SHIFTS;
  /** The slowest interactions, slowest first. */
  let slowest: Interaction[] = [];
  let firstId = Infinity;
  let lastId = 0;
  /** Interactions before this view of the page. */
  let before = 0;

  const described = (node?: Node | null): object | undefined => {
    const element = node instanceof Element ? node : node?.parentElement;
    return element ? describe(element) : undefined;
  };
  const countInteractions = (): number =>
    // Engines that do not count give ids in steps of seven.
    (performance as { interactionCount?: number }).interactionCount ?? (lastId ? (lastId - firstId) / 7 + 1 : 0);

  const hearPaint = (entry: Paint): void => {
    if (isTold || entry.startTime >= hiddenAt) return;
    lcp = Math.max(entry.startTime - activationStart, 0);
    painted = described(entry.element);
  };
  const hearShift = ({ value, hadRecentInput, startTime, sources }: Shift): void => {
    if (isTold || hadRecentInput) return;
    if (startTime - session.to >= 1_000 || startTime - session.from >= 5_000) {
      session = { ...NO_SHIFTS, from: startTime };
    }
    session.to = startTime;
    session.sum += value;
    if (value > session.most) {
      session.most = value;
      session.node = sources?.[0]?.node;
    }
    if (session.sum > cls!) {
      cls = session.sum;
      shifted = described(session.node);
    }
  };
  const hearInteraction = ({ interactionId: id, duration, name: type, target }: Timed): void => {
    if (isTold || !id) return;
    firstId = Math.min(firstId, id);
    lastId = Math.max(lastId, id);
    const same = slowest.find((one) => one.id === id);
    // Not each of its events has a target, the first input of Chromium has none.
    if (same) same.target ??= described(target);
    if (duration <= (same ?? slowest[HELD - 1] ?? { duration: -1 }).duration) return;
    // Described now: an element that is gone by the end is not told by then.
    const slow = { id, duration, type, target: described(target) ?? same?.target };
    slowest = [...slowest.filter((one) => one !== same), slow];
    slowest.sort((one, other) => other.duration - one.duration);
    slowest.length = Math.min(slowest.length, HELD);
  };

  const observers: (() => void)[] = [];
  const observe = (type: string, hear: (entry: never) => void, options?: object): boolean => {
    try {
      if (!PerformanceObserver.supportedEntryTypes.includes(type)) return false;
      const all = (entries: PerformanceEntryList): void => entries.forEach((entry) => hear(entry as never));
      const observer = new PerformanceObserver(guard.wrap((list) => all(list.getEntries())));
      observer.observe({ type, buffered: true, ...options });
      observers.push(() => all(observer.takeRecords()));
      guard.whenOff(() => observer.disconnect());
      return true;
    } catch {
      return false;
    }
  };
  const hasPaint = observe("largest-contentful-paint", hearPaint);
  if (observe("layout-shift", hearShift)) cls = 0;
  observe("event", hearInteraction, { durationThreshold: 40 });
  observe("first-input", hearInteraction);

  const tell = (name: keyof typeof RATINGS, value: number | undefined, more?: object): void => {
    if (value === undefined) return;
    const [good, poor] = RATINGS[name];
    record("web_vital", {
      name,
      value: Math.round(value * 1e4) / 1e4,
      rating: value <= good ? "good" : value <= poor ? "needs-improvement" : "poor",
      navigation_type: arrival,
      path,
      ...more,
    });
  };
  /** Where the values belong to, whatever a router does later. */
  const path = told(name, { target });
  hiding.push(() => {
    if (isTold) return;
    for (const take of observers) take();
    isTold = true;
    tell("TTFB", ttfb);
    tell("LCP", lcp, { element: painted });
    tell("CLS", cls, { element: shifted });
    const worst = slowest[Math.min(slowest.length - 1, Math.floor((countInteractions() - before) / SPARED))];
    tell("INP", worst?.duration, { element: worst?.target, event_type: worst?.type });
  });
  guard.listen<PageTransitionEvent>(window, "pageshow", ({ persisted, timeStamp }) => {
    if (!persisted) return;
    isTold = false;
    arrival = "back-forward-cache";
    ttfb = 0;
    lcp = painted = shifted = undefined;
    cls &&= 0;
    session = NO_SHIFTS;
    slowest = [];
    before = countInteractions();
    // The page as it was is painted with the second frame.
    if (hasPaint) requestAnimationFrame(() => requestAnimationFrame(() => (lcp = performance.now() - timeStamp)));
  });
}
