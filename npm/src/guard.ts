/**
 * Stands at every door into the module: a trap there turns the SDK off and goes no further, so that no error of ours
 * reaches the page's `onerror`. All ways in are exports of the instance: calls, listeners, timers and promises alike.
 */
export function guarded(exports: WebAssembly.Exports, trapped: (error: unknown) => void): WebAssembly.Exports {
  let dead = false;
  const doors: Record<string, unknown> = {};
  for (const [name, door] of Object.entries(exports)) {
    // Memory and tables are no doors; `__wbindgen_malloc` and its like are called from within one.
    doors[name] =
      typeof door !== "function" || /^__(wbindgen_|externref)/.test(name)
        ? door
        : (...args: unknown[]) => {
            if (dead) return undefined;
            try {
              return (door as (...args: unknown[]) => unknown)(...args);
            } catch (error) {
              // After a trap the module's memory is in an unknown state: nothing may enter again.
              dead = true;
              trapped(error);
              return undefined;
            }
          };
  }
  return doors as WebAssembly.Exports;
}
