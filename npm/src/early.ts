/**
 * The tracker from the first line of script until the module runs: it holds calls and clicks with their own
 * timestamps, and hands them over. If the page goes first, or the module cannot come, it sends them itself.
 */
import { warn } from "./console.js";
import { eventText, identity, mayTell } from "./fallback.js";
import type { Footfall, Options, State } from "./types.js";

/** A call and its time. */
export type Call = [at: number, method: string, ...args: unknown[]];
/** Makes a call of a running module. */
export type Run = (...call: Call) => unknown;
/** Starts a tracker in the module; nothing where its options are of no use. */
export type Start = (pageViewed: boolean, pageAt: number) => Run | undefined;

/** The most calls held. */
const HELD = 500;
/** Characters after which a beacon is full: with one more event of 32 KiB it stays below the 64 KiB for all beacons. */
const BEACON = 10_000;

export function early(load: (options: Options) => Promise<Start>): Footfall {
  let options: Options | undefined;
  let run: Run | undefined;
  let held: Call[] = [];
  let pageAt = 0;
  let failed = false;
  let off = false;
  let consent: unknown;
  let listeners: AbortController;
  let settle: (runs: boolean) => void;
  let ready: Promise<boolean>;

  const reset = (): void => {
    listeners = new AbortController();
    ready = new Promise((resolve) => (settle = resolve));
  };

  const hold = (...call: [method: string, ...args: unknown[]]): void => {
    const at = Date.now();
    if (run) run(at, ...call);
    else if (!off && held.length < HELD && held.push([at, ...call]) && failed) sendSoon();
  };

  /** Values cross into the module as text; what cannot be one is said in words and left out. */
  const pass = (method: string) => (...args: unknown[]): void => {
    try {
      const texts = args.map((value) => (value && typeof value === "object" ? JSON.stringify(value) : value));
      if (method === "consent") consent = texts[0];
      if (method.startsWith("opt")) consent = method === "optIn" ? "granted" : "denied";
      hold(method, ...texts);
    } catch (error) {
      if (options?.debug) warn(method, args[0], "was refused:", error);
    }
  };

  const sendSoon = (): void => void setTimeout(send, options?.flushInterval ?? 5_000);

  /** Sends what is held by beacon, in the same wire form. What the browser refuses is kept, and what waits for consent. */
  const send = (): void => {
    if (!options || !mayTell(options, consent)) return;
    const calls: Call[] = pageAt ? [[pageAt, "page"], ...held] : held;
    const { key, endpoint } = options;
    while (calls.length) {
      let events = "";
      let count = 0;
      while (count < calls.length && events.length < BEACON) {
        const text = eventText(calls[count++]!);
        events += text && (events && ",") + text;
      }
      const body = `{"sent_at":${Date.now()},"context":${identity(options)},"events":[${events}]}`;
      const url = `${endpoint || location.origin}/v1/events?key=${encodeURIComponent(key)}&priority=normal`;
      if (events && !navigator.sendBeacon?.(url, body)) break;
      calls.splice(0, count);
      pageAt = 0;
    }
    held = calls;
  };

  const state = (): State | undefined => run?.(0, "state") as State | undefined;

  const init = (given: Options): void => {
    if (options) {
      warn("init was called already");
      return;
    }
    const { signal } = listeners;
    const listen = (target: EventTarget, kind: string, hear: (event: Event) => void): void =>
      target.addEventListener(kind, hear, { capture: true, passive: true, signal });
    options = given;
    off = failed = false;
    const { capture } = given;
    // A tag names what is on.
    const captures = (what: "pages" | "clicks"): boolean =>
      typeof capture === "string" ? `${capture}`.includes(what) : capture?.[what] !== false;
    if (captures("pages")) pageAt = Date.now();
    if (captures("clicks")) listen(window, "click", (event) => hold("click", event.composedPath()));
    listen(window, "pagehide", send);
    listen(document, "visibilitychange", () => document.hidden && send());
    // Safari has no requestIdleCallback.
    (window.requestIdleCallback ?? setTimeout)(() =>
      load(given).then(
        (start) => {
          if (signal.aborted) return;
          listeners.abort();
          run = start(!pageAt, pageAt);
          off = !run;
          for (const call of held) run?.(...call);
          held = [];
          settle(!off);
        },
        (error: unknown) => {
          failed = true;
          sendSoon();
          if (given.debug) warn("the module cannot be loaded, a smaller tracker runs:", error);
          settle(false);
        },
      ),
    );
  };

  reset();
  const own: { [name: string | symbol]: unknown } = {
    init,
    flush: () => run?.(0, "flush"),
    shutdown() {
      if (run) run(0, "stop");
      else send();
      listeners.abort();
      run = options = undefined;
      held = [];
      off = true;
      settle(false);
      reset();
    },
    anonymousId: () => state()?.anonymousId,
    state,
    ready: () => ready,
  };
  // All other calls are held and handed over as they are. (A tracker is no promise.)
  return new Proxy(own, {
    get: (_, name) => (name in own || name === "then" ? own[name] : pass(name as string)),
  }) as unknown as Footfall;
}
