/**
 * Footfall for bundlers: `init({ key: "pk_…" })`, then `track("like", { post_id: 42 })`.
 * Calls before `init`, and before the module runs, are held with their own times. On a server all of it does nothing.
 */
import { early } from "./early.js";
import { load } from "./module.js";
import type { Footfall, Options } from "./types.js";

export type { Capture, Consent, ConsentState, Event, Footfall, Options, Properties, State } from "./types.js";

const isBrowser = typeof document !== "undefined";

/** What a tracker is on a server. */
const nobody = { ready: () => Promise.resolve(false) } as Footfall;

/** A tracker of its own, beside the page's: for a second site on one page. It starts by `init`. */
export function create(): Footfall {
  if (isBrowser) return early((options) => load(new URL("./footfall.wasm", import.meta.url), () => import("./extras/index.js"), options));
  return new Proxy(nobody, { get: (_, name) => nobody[name as keyof Footfall] ?? (() => undefined) });
}

const tracker = create();

/** Starts the tracker of this page. */
export const init: Footfall["init"] = (options: Options) => tracker.init(options);

/** Records an event: `track("like", { post_id: 42 })`. */
export const track: Footfall["track"] = tracker.track;

/** Begins a view of a page; needed only where page views are not captured. */
export const page: Footfall["page"] = tracker.page;

/** Recognises the user: later events, on later pages too, carry the id. */
export const identify: Footfall["identify"] = tracker.identify;

/** Says that the user was known by another id before; by default the present one. */
export const alias: Footfall["alias"] = tracker.alias;

/** Says which group the user acts for: later events, on later pages too, carry the id. */
export const group: Footfall["group"] = tracker.group;

/** Adds properties to all later events of this page. */
export const set: Footfall["set"] = tracker.set;

/** Starts a timed event. */
export const startTimer: Footfall["startTimer"] = tracker.startTimer;

/** Records the timed event, with its `duration_ms`. */
export const stopTimer: Footfall["stopTimer"] = tracker.stopTimer;

/** Says what the visitor agreed to; remembered for later pages. */
export const consent: Footfall["consent"] = tracker.consent;

/** Forgets user, group and browser: from here on it is somebody else. */
export const reset: Footfall["reset"] = tracker.reset;

/** Deletes all that was stored and tells nothing more, on later pages too. */
export const optOut: Footfall["optOut"] = tracker.optOut;

/** Takes `optOut` back. */
export const optIn: Footfall["optIn"] = tracker.optIn;

/** Sends all that is queued as soon as it can be sent. */
export const flush: Footfall["flush"] = tracker.flush;

/** Sends what is here and removes all that listens; afterwards `init` may start again. */
export const shutdown: Footfall["shutdown"] = tracker.shutdown;

/** The browser's id; `undefined` until the module runs, and in anonymous mode. */
export const anonymousId: Footfall["anonymousId"] = tracker.anonymousId;

/** What is known of the tracker; `undefined` until the module runs. */
export const state: Footfall["state"] = tracker.state;

/** Whether the module runs; settled once that is known. */
export const ready: Footfall["ready"] = tracker.ready;
