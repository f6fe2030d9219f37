/** What `wasm-bindgen` generates from `sdk-wasm/`, with the two inner functions that `scripts/build.mjs` exports. */
declare module "footfall:glue" {
  export class Sdk {
    private constructor();
    static start(
      window: unknown,
      options: unknown,
      signal: AbortSignal,
      pageViewed: boolean,
      pageAt: number,
    ): Sdk;
    track(name: string, properties: string | undefined, at: number): void;
    page(properties: string | undefined, at: number): void;
    identify(userId: string, traits: string | undefined): void;
    click(path: EventTarget[], at: number): void;
    flush(): void;
    state(): string;
    free(): void;
  }
  export function __wbg_get_imports(): WebAssembly.Imports;
  export function __wbg_finalize_init(instance: { exports: WebAssembly.Exports }, module: WebAssembly.Module): unknown;
}
