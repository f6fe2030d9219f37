/**
 * Every way in from the page goes through a guard: listeners, observers, timers, answers and calls. What throws there,
 * above all a trap in the module, turns the tracker off and goes no further; it never reaches the page's `onerror`.
 */
import { warn } from "../console.js";

/** After a trap the module's memory is in an unknown state: no tracker may enter it again. */
let isModuleDead = false;

export class Guard {
  readonly #listeners = new AbortController();

  /** Aborted when the tracker is off; whatever listens ends with it. */
  readonly signal = this.#listeners.signal;

  /** A function of ours, safe for the page to call. */
  wrap<Args extends unknown[], Result>(run: (...args: Args) => Result): (...args: Args) => Result | undefined {
    return (...args) => {
      if (this.signal.aborted || isModuleDead) return undefined;
      try {
        return run(...args);
      } catch (error) {
        isModuleDead = true;
        this.stop();
        warn("it failed and is off:", error);
        return undefined;
      }
    };
  }

  /** Listens in the capture phase, where the page cannot stop the event, and passively, so that it waits for nothing. */
  listen<Heard extends Event>(target: EventTarget | undefined, kind: string, hear: (event: Heard) => void): void {
    const options = { capture: true, passive: true, signal: this.signal };
    target?.addEventListener(kind, this.wrap(hear) as EventListener, options);
  }

  /** Runs when the tracker goes off. */
  whenOff(run: () => void): void {
    this.signal.addEventListener("abort", run);
  }

  stop(): void {
    this.#listeners.abort();
  }
}
