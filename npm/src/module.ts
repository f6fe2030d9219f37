/** Loads the WebAssembly module. */
import { __wbg_finalize_init, __wbg_get_imports } from "footfall:glue";
import { startTracker } from "./browser/tracker.js";
import type { Start } from "./early.js";
import { checked } from "./options.js";

/** Compiles the module at `url`; streaming where the server names its type rightly. */
export async function load(url: string | URL): Promise<Start> {
  const imports = __wbg_get_imports();
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const { instance, module } = response.headers.get("content-type")?.startsWith("application/wasm")
    ? await WebAssembly.instantiateStreaming(response, imports)
    : await WebAssembly.instantiate(await response.arrayBuffer(), imports);
  __wbg_finalize_init(instance, module);
  return (options, pageViewed, pageAt) => {
    const good = checked(options);
    return good && startTracker(good, pageViewed, pageAt);
  };
}
