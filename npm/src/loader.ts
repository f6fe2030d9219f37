/**
 * The script tag: `<script async src="https://t.example.com/sdk/footfall.js" data-key="pk_…"></script>`.
 * It is all that a page waits for; the module comes when the page is idle, from a hashed name beside it.
 */
import { early } from "./early.js";
import type { Start } from "./early.js";
import type { Footfall, Options } from "./types.js";

/** The module's hashed name, filled in by `scripts/build.mjs`. */
declare const MODULE: string;

type Call = [method: keyof Footfall, ...args: unknown[]];
type Loaded = Footfall & { push(...calls: Call[]): void };

const page = window as unknown as { footfall?: Call[] | Loaded };
const script = document.currentScript as HTMLScriptElement | null;
const before = page.footfall;

const words = (text?: string): string[] | undefined => text?.split(/[\s,]+/);

// The same script twice is one tracker.
if (script && (!before || Array.isArray(before))) {
  const tracker = early(() =>
    import(new URL(MODULE, script.src).href).then((module: { start: () => Promise<Start> }) => module.start()),
  );
  const push = (...calls: Call[]): void => {
    for (const [method, ...args] of calls) (tracker[method] as (...args: unknown[]) => void)?.(...args);
  };
  page.footfall = { ...tracker, push };
  // The attributes are the options; those that are no text are read here.
  const { dataset } = script;
  const { flushInterval, flushCount, keyEvents, capture, debug } = dataset;
  const options: { [name in keyof Options]?: unknown } = {
    endpoint: new URL(script.src).origin,
    ...dataset,
    flushInterval: flushInterval && +flushInterval,
    flushCount: flushCount && +flushCount,
    keyEvents: words(keyEvents),
    // What is named, and nothing else.
    capture: capture && {
      clicks: false,
      views: false,
      pages: false,
      ...Object.fromEntries(words(capture)!.map((what) => [what, true])),
    },
    debug: debug !== undefined,
  };
  tracker.init(options as Options);
  push(...(before ?? []));
}
