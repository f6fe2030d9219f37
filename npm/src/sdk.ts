/** What the loader imports: the module beside this file, by its hashed name. */
import type { Extras } from "./browser/extras.js";
import type { Start } from "./early.js";
import { load } from "./module.js";
import type { Options } from "./types.js";

/** Hashed names, filled in by `scripts/build.mjs`. */
declare const WASM: string;
declare const EXTRAS: string;

export const start = (options: Options): Promise<Start> =>
  load(new URL(WASM, import.meta.url), () => import(new URL(EXTRAS, import.meta.url).href) as Promise<Extras>, options);
