/** Loads the WebAssembly module. */
import { __wbg_finalize_init, __wbg_get_imports } from "footfall:glue";
import type { Extras } from "./browser/extras.js";
import { startTracker } from "./browser/tracker.js";
import type { Start } from "./early.js";
import { checked } from "./options.js";

let loaded: Promise<void> | undefined;

/** Loads the module at `url`, once for all trackers of the page. */
export async function load(url: string | URL, loadExtras: () => Promise<Extras>): Promise<Start> {
  loaded ??= instantiate(url);
  try {
    await loaded;
  } catch (error) {
    loaded = undefined;
    throw error;
  }
  return (options, pageViewed, pageAt) => {
    const good = checked(options);
    return good && startTracker(good, pageViewed, pageAt, loadExtras);
  };
}

/** Compiles while it loads; in one piece where the server does not name its type rightly. */
async function instantiate(url: string | URL): Promise<void> {
  const imports = __wbg_get_imports();
  const { instance, module } = await WebAssembly.instantiateStreaming(fetch(url), imports).catch(async () =>
    WebAssembly.instantiate(await (await fetch(url)).arrayBuffer(), imports),
  );
  __wbg_finalize_init(instance, module);
}
