/** Loads the WebAssembly module, behind the guard, and starts trackers in it. */
import { Sdk, __wbg_finalize_init, __wbg_get_imports } from "footfall:glue";
import { warn } from "./console.js";
import { guarded } from "./guard.js";
import { checked } from "./options.js";
import type { Run, Start } from "./early.js";

/** Of all listeners of the module; aborted after a trap, when no destructor will run. */
const listeners = new AbortController();
let dead = false;

function trapped(error: unknown): void {
  if (!dead) {
    dead = true;
    listeners.abort();
    warn("the module failed and is off until the next page:", error);
  }
}

/** Compiles the module at `url`; streaming where the server names its type rightly. */
export async function load(url: string | URL): Promise<Start> {
  const imports = __wbg_get_imports();
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const { instance, module } = response.headers.get("content-type")?.startsWith("application/wasm")
    ? await WebAssembly.instantiateStreaming(response, imports)
    : await WebAssembly.instantiate(await response.arrayBuffer(), imports);
  __wbg_finalize_init({ exports: guarded(instance.exports, trapped) }, module);
  return start;
}

const start: Start = (options, pageViewed, pageAt) => {
  const good = checked(options);
  if (!good || dead) return undefined;
  const sdk = Sdk.start(window, good, listeners.signal, pageViewed, pageAt);
  const calls: Record<string, (at: number, ...args: never[]) => unknown> = {
    track: (at, name: unknown, properties: string | undefined) => sdk.track(text(name), properties, at),
    page: (at, properties: string | undefined) => sdk.page(properties, at),
    identify: (_, userId: unknown, traits: string | undefined) => sdk.identify(text(userId), traits),
    click: (at, path: EventTarget[]) => sdk.click(path, at),
    flush: () => sdk.flush(),
    state: () => sdk.state(),
    free: () => sdk.free(),
  };
  const run: Run = (at, method, ...args) => {
    if (dead) return undefined;
    try {
      return calls[method]?.(at, ...(args as never[]));
    } catch (error) {
      // The glue may fail on what a trapped call did not return.
      trapped(error);
      return undefined;
    }
  };
  return run;
};

/** Whatever a page passes as a name or an id, the module gets a text; an empty one is refused there, in words. */
function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? `${value}` : "";
}
