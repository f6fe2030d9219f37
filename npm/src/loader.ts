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
/** The page's first tracker, calls that wait for it, and every tracker by its key. */
type Trackers = Footfall & { push(...calls: Call[]): void; [key: string]: unknown };

const page = window as unknown as { footfall?: Call[] | Trackers };
const script = document.currentScript as HTMLScriptElement | null;
const { key } = script?.dataset ?? {};
const before = page.footfall;
const waiting = Array.isArray(before) ? before : [];

// The same script twice is one tracker.
if (script && !(key && before && key in before)) {
  const tracker = early((options) =>
    import(new URL(MODULE, script.src).href).then((module: { start(options: Options): Promise<Start> }) => module.start(options)),
  ) as Trackers;
  tracker.push = (...calls) => {
    for (const [method, ...args] of calls) (tracker[method] as (...args: unknown[]) => void)(...args);
  };
  if (!before || Array.isArray(before)) page.footfall = tracker;
  (page.footfall as Trackers)[key!] = tracker;
  // The attributes are the options, which the module reads.
  const options: unknown = { endpoint: new URL(script.src).origin, ...script.dataset, debug: "debug" in script.dataset };
  // What is rendered ahead counts when somebody comes to see it.
  if ((document as { prerendering?: boolean }).prerendering) {
    document.addEventListener("prerenderingchange", () => tracker.init(options as Options));
  } else tracker.init(options as Options);
  tracker.push(...waiting);
}
