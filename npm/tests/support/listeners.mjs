// What a page has that listens: event listeners, observers that observe, and timers.
import { until } from "./site.mjs";

/** Counts from the first line of script on; for `visit({ prepare: countListeners })`. */
export function countListeners(page) {
  return page.evaluateOnNewDocument(() => {
    const listening = new Map();
    const observing = new Set();
    const timers = new Set();
    const { addEventListener } = EventTarget.prototype;
    EventTarget.prototype.addEventListener = function (kind, hear, options) {
      // The page's own have no signal.
      if (options?.signal) {
        listening.set(hear, `${this.constructor.name} ${kind}`);
        addEventListener.call(options.signal, "abort", () => listening.delete(hear));
      }
      return addEventListener.call(this, kind, hear, options);
    };
    for (const kind of [MutationObserver, PerformanceObserver, IntersectionObserver]) {
      const { observe, disconnect } = kind.prototype;
      kind.prototype.observe = function (...args) {
        observing.add(this);
        return observe.apply(this, args);
      };
      kind.prototype.disconnect = function () {
        observing.delete(this);
        return disconnect.call(this);
      };
    }
    const { setTimeout, clearTimeout } = window;
    window.setTimeout = (run, delay, ...args) => {
      const id = setTimeout(() => { timers.delete(id); run(...args); }, delay);
      timers.add(id);
      return id;
    };
    window.clearTimeout = (id) => { timers.delete(id); clearTimeout(id); };
    window.listening = () => ({ listeners: [...listening.values()], observers: observing.size, timers: timers.size });
  });
}

export const NOTHING = { listeners: [], observers: 0, timers: 0 };

/** Waits until something of the page listens for that kind: the second part comes after the tracker is ready. */
export const listensFor = (page, kind) =>
  until(`a listener for ${kind}`, () =>
    page.evaluate((kind) => window.listening().listeners.some((name) => name.endsWith(` ${kind}`)), kind),
  );
