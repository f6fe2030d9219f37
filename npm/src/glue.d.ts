/** What `wasm-bindgen` generates from `sdk-wasm/src/api.rs`, with the two inner functions that `scripts/build.mjs` exports. */
declare module "footfall:glue" {
  export function start(
    tracker: number,
    flushInterval: number,
    flushCount: number,
    bytes: number,
    how: number,
    seed: number,
    moreSeed: number,
  ): void;
  export function tell(
    tracker: number,
    what: number,
    text: string,
    at: number,
    unix: number,
    monotonic: number,
  ): number;
  export function __wbg_get_imports(): WebAssembly.Imports;
  export function __wbg_finalize_init(instance: WebAssembly.Instance, module: WebAssembly.Module): unknown;
}
