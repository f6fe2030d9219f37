/**
 * Footfall for bundlers: `init({ key: "pk_…" })`, then `track("like", { post_id: 42 })`.
 * Calls before `init`, and before the module runs, are held with their own times. On a server all of it does nothing.
 */
import { warn } from "./console.js";
import { early } from "./early.js";
import { load } from "./module.js";
import type { Options, Properties, State } from "./types.js";

export type { Capture, Footfall, Options, Properties, State } from "./types.js";

const isBrowser = typeof document !== "undefined";
const tracker = isBrowser ? early(() => load(new URL("./footfall.wasm", import.meta.url), () => import("./extras/index.js"))) : undefined;

/** Starts the tracker of this page. */
export function init(options: Options): void {
  if (tracker) tracker.init(options ?? {});
  else if (options?.debug) warn("init does nothing outside of a browser");
}

/** Records an event: `track("like", { post_id: 42 })`. */
export function track(name: string, properties?: Properties): void {
  tracker?.track(name, properties);
}

/** Begins a view of a page; needed only where page views are not captured. */
export function page(properties?: Properties): void {
  tracker?.page(properties);
}

/** Recognises the user: later events carry the id. */
export function identify(userId: string, traits?: Properties): void {
  tracker?.identify(userId, traits);
}

/** Sends all that is queued as soon as it can be sent. */
export function flush(): void {
  tracker?.flush();
}

/** Sends what is here and removes all that listens; afterwards `init` may start again. */
export function shutdown(): void {
  tracker?.shutdown();
}

/** The browser's id; `undefined` until the module runs, and in anonymous mode. */
export function anonymousId(): string | undefined {
  return tracker?.anonymousId();
}

/** What is known of the tracker; `undefined` until the module runs. */
export function state(): State | undefined {
  return tracker?.state();
}

/** Whether the module runs; settled once that is known. On a server it never does. */
export function ready(): Promise<boolean> {
  return tracker?.ready() ?? Promise.resolve(false);
}
