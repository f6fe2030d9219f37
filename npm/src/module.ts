/** Loads the WebAssembly module. */
import { __wbg_finalize_init, __wbg_get_imports } from "footfall:glue";
import type { Extras } from "./browser/extras.js";
import { startTracker } from "./browser/tracker.js";
import type { Start } from "./early.js";
import { checked } from "./options.js";

/** Compiles the module at `url`; in one piece where the server does not name its type rightly. */
export async function load(url: string | URL, loadExtras: () => Promise<Extras>): Promise<Start> {
  const imports = __wbg_get_imports();
  const { instance, module } = await WebAssembly.instantiateStreaming(fetch(url), imports).catch(async () =>
    WebAssembly.instantiate(await (await fetch(url)).arrayBuffer(), imports),
  );
  __wbg_finalize_init(instance, module);
  return (options, pageViewed, pageAt) => {
    const good = checked(options);
    return good && startTracker(good, pageViewed, pageAt, loadExtras);
  };
}
