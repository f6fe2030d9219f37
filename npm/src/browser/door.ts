/**
 * The module's door, `sdk-wasm/src/api.rs`: plain numbers and one text in each call. The code that wasm-bindgen writes
 * for any module is four times as long; this is the part of its interface that this one uses.
 */

/** What `wasm-bindgen` exports. */
interface Exports {
  memory: WebAssembly.Memory;
  start(...numbers: number[]): void;
  tell(tracker: number, what: number, at: number, bytes: number, ...clocks: number[]): number;
  __wbindgen_malloc(bytes: number, align: number): number;
}

/** Carries out what a tracker in the module wants; see `core.ts`. */
type Act = (tracker: number, what: number, number: number, text: string) => number;

let wasm: Exports;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** The memory may have grown, and is another one then. */
const bytesAt = (at: number, bytes: number): Uint8Array => new Uint8Array(wasm.memory.buffer, at, bytes);

export const start = (...numbers: number[]): void => wasm.start(...numbers);

export function tell(tracker: number, what: number, text: string, ...clocks: number[]): number {
  const bytes = encoder.encode(text);
  // The module frees it.
  const at = wasm.__wbindgen_malloc(bytes.length, 1) >>> 0;
  bytesAt(at, bytes.length).set(bytes);
  return wasm.tell(tracker, what, at, bytes.length, ...clocks);
}

/** Whether the module comes from our own server, which names its type rightly; filled in by `scripts/build.mjs`. */
declare const TYPED: boolean;

/** Compiles while it loads; in one piece where a server does not name its type rightly. */
export async function open(url: string | URL, act: Act): Promise<void> {
  const imported = (tracker: number, what: number, number: number, at: number, bytes: number): number =>
    act(tracker, what, number, decoder.decode(bytesAt(at >>> 0, bytes >>> 0)));
  // There is nothing else to import, but its name has a hash in it.
  const names = new Proxy({}, { get: () => imported });
  const imports = new Proxy({}, { get: () => names }) as WebAssembly.Imports;
  const streamed = WebAssembly.instantiateStreaming(fetch(url), imports);
  const whole = async (): Promise<WebAssembly.WebAssemblyInstantiatedSource> =>
    WebAssembly.instantiate(await (await fetch(url)).arrayBuffer(), imports);
  const { instance } = await (TYPED ? streamed : streamed.catch(whole));
  wasm = instance.exports as unknown as Exports;
}
