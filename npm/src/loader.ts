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
const script = document.currentScript as HTMLScriptElement;
const { dataset, src } = script;
const key = dataset.key as string;
const before = page.footfall ?? [];

// The same script twice is one tracker.
if (!(key in before)) {
  const tracker = early((options) =>
    import(`${new URL(MODULE, src)}`).then((module: { start(options: Options): Promise<Start> }) => module.start(options)),
  ) as Trackers;
  tracker.push = (...calls) => {
    for (const [method, ...args] of calls) (tracker[method] as (...args: unknown[]) => void)(...args);
  };
  const isFirst = Array.isArray(before);
  if (isFirst) page.footfall = tracker;
  (page.footfall as Trackers)[key] = tracker;
  // The attributes are the options, which the module reads.
  const options: unknown = { endpoint: new URL(src).origin, ...dataset, debug: "debug" in dataset };
  const init = (): void => tracker.init(options as Options);
  // What is rendered ahead counts when somebody comes to see it.
  if ((document as { prerendering?: boolean }).prerendering) document.addEventListener("prerenderingchange", init);
  else init();
  if (isFirst) tracker.push(...before);
}
