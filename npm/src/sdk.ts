/** What the loader imports: the module beside this file, by its hashed name. */
import type { Start } from "./early.js";
import { load } from "./module.js";

/** The WebAssembly's hashed name, filled in by `scripts/build.mjs`. */
declare const WASM: string;
/** The second part's. */
declare const EXTRAS: string;

export const start = (): Promise<Start> =>
  load(new URL(WASM, import.meta.url), () => import(new URL(EXTRAS, import.meta.url).href));
