/** Loads the WebAssembly module, and with it the second part where an option needs it from the first event on. */
import { openCore } from "./browser/core.js";
import type { Extras } from "./browser/extras.js";
import { startTracker } from "./browser/tracker.js";
import { warn } from "./console.js";
import type { Start } from "./early.js";
import { read, type Checked } from "./options.js";
import type { Options } from "./types.js";

/** What few sites use, and nothing can do without once it is asked for. */
const NEEDING: readonly (keyof Options)[] = ["debug", "beforeSend", "onSent", "onDropped", "storage"];

let opened: Promise<void> | undefined;

/** Loads the module at `url`, once for all trackers of the page. */
export async function load(url: string | URL, loadExtras: () => Promise<Extras>, options: Options): Promise<Start> {
  opened ??= openCore(url);
  const isNeeded = NEEDING.some((name) => options[name]);
  const [extras] = await Promise.all([isNeeded ? loadExtras().catch(() => undefined) : undefined, opened]);
  // With options that are wrong, or not checked, it does what it can; but nothing without what is to see each event.
  const given = read(options);
  const good = (extras?.checked(given) ?? given) as Checked;
  const flaw = !good.key ? 'init needs a write key: { key: "pk_…" }' : good.beforeSend && !extras && "off: beforeSend cannot be loaded";
  if (flaw) warn(flaw);
  return (pageViewed, pageAt) => (flaw ? undefined : startTracker(good, pageViewed, pageAt, loadExtras, extras));
}
