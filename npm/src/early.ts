/**
 * The tracker from the first line of script until the module runs: it holds calls and clicks with their own
 * timestamps, and hands them over. If the page goes first, or the module cannot come, it sends them itself.
 */
import { attempt } from "./attempt.js";
import { eventText, identity, keep, mayTell, newId } from "./fallback.js";
import type { Footfall, Options } from "./types.js";

/** A call and its time. A click is a call without a name, which the page cannot make. */
export type Call = [at: number, method: string, ...args: unknown[]];
/** Makes a call of a running module. */
export type Run = (...call: Call) => unknown;
/** Starts a tracker in the module; nothing where its options are of no use. */
export type Start = (pageViewed: boolean, pageAt?: number) => Run | undefined;

/** What becomes of calls while no module runs. */
const enum Mode {
  /** They are held: the module comes. */
  Waiting,
  /** They are sent from here: the module cannot come. */
  Failed,
  /** They are ignored. */
  Off,
}

export function early(load: (options: Options) => Promise<Start>): Footfall {
  let options: Options | undefined;
  let run: Run | undefined;
  let held: Call[] = [];
  let page: Call | undefined;
  let mode = Mode.Waiting;
  let consent: string | undefined;
  let listeners: AbortController;
  let settle: (runs: boolean) => void;
  let ready: Promise<boolean>;

  const reset = (): void => {
    listeners = new AbortController();
    ready = new Promise((resolve) => (settle = resolve));
  };

  const hold = (...call: [method: string, ...args: unknown[]]): unknown => {
    const timed: Call = [Date.now(), ...call];
    if (run) return run(...timed);
    // So many are held at most.
    if (mode < Mode.Off && held.length < 500 && held.push(timed) && mode) sendSoon();
    return undefined;
  };

  /** Values cross into the module as text; what cannot be one is said in words and left out. */
  const pass = (method: string) => (...args: unknown[]): unknown => {
    try {
      const texts = args.map((value, at) => (at || Object(value) === value ? JSON.stringify(value) : value));
      // Who denies, and agrees later, agrees neither to what was before nor to what was in between.
      if (/^(con|opt)/.test(method) && /(^|,)den|Out/.test(`${[consent, (consent = (texts[0] as string) ?? method)]}`)) {
        held = [];
        page = undefined;
      }
      return hold(method, ...texts);
    } catch (error) {
      return hold("refuse", args[0], `${error}`);
    }
  };

  const sendSoon = (): unknown => setTimeout(send, 1_000);

  /** Sends what is held by beacon, in the same wire form. What the browser refuses is kept, and what waits for consent. */
  const send = (): void => {
    if (!options || !mayTell(options, consent)) return;
    const { key, endpoint = "" } = options;
    const url = `${endpoint}/v1/events?key=${encodeURIComponent(key)}`;
    if (page) held.unshift(page);
    while (held[0]) {
      // Few enough for a beacon of 64 KiB, unless somebody holds much in each.
      const events = held.slice(0, 9).map(eventText).filter(Boolean);
      if (events[0]) {
        const id = newId();
        const context = identity(options);
        // A browser may send it twice by itself, where a connection breaks.
        const body = `{"batch_id":"${id}","sent_at":${Date.now()},"context":${context},"events":[${events}]}`;
        // The module of the next page asks whether it arrived. Whose id is not kept keeps nothing.
        const isKept = !mode && context[2] === "a" && keep(key, id, body);
        if (!attempt(() => navigator.sendBeacon(url, body)) && !isKept) break;
      }
      held.splice(0, 9);
      page = undefined;
    }
    // It is still the module's to tell.
    if (page) held.shift();
  };

  const init = (said: Options): void => {
    const given = said ?? {};
    if (options) {
      hold("init");
      return;
    }
    const { signal } = listeners;
    // In the capture phase the window hears what is told to the document.
    const listen = (kind: string, hear: (event: Event) => void): void => addEventListener(kind, hear, { capture: true, signal });
    options = given;
    mode = Mode.Waiting;
    const { capture } = given;
    // A tag names what is on.
    const captures = (what: "pages" | "clicks"): boolean =>
      (capture as unknown as string)?.includes?.(what) ?? capture?.[what] !== false;
    if (captures("pages")) page = [Date.now(), "page"];
    if (captures("clicks")) listen("click", (event) => hold("", event.composedPath()));
    listen("pagehide", send);
    listen("visibilitychange", () => document.hidden && send());
    const begin = (): unknown =>
      load(given)
        .then((start) => {
          if (signal.aborted) return;
          run = start(!page, page?.[0]);
          listeners.abort();
          if (!run) mode = Mode.Off;
          for (const call of held) run?.(...call);
          held = [];
          settle(!!run);
        })
        .catch((error: unknown) => {
          mode = Mode.Failed;
          sendSoon();
          if (given.debug) attempt(() => console.warn("[footfall] no module:", error));
          settle(false);
        });
    // Safari has no requestIdleCallback.
    if (!attempt(() => [requestIdleCallback(begin)])) setTimeout(begin);
  };

  reset();
  const own: { [name: string | symbol]: unknown } = {
    init,
    shutdown() {
      if (run) run(0, "stop");
      else send();
      listeners.abort();
      run = options = undefined;
      held = [];
      mode = Mode.Off;
      settle(false);
      reset();
    },
    ready: () => ready,
    // It is no promise, whoever awaits it.
    // oxlint-disable-next-line unicorn/no-thenable
    then: undefined,
  };
  // All other calls are held and handed over as they are.
  return new Proxy(own, {
    get: (_, name) => (name in own ? own[name] : pass(name as string)),
  }) as unknown as Footfall;
}
