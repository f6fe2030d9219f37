// What no tracker made of a loader, a script and our module can go below: the three come as ours do, the module is
// instantiated and never entered, one listener hears clicks and does nothing, and one beacon says that a page was viewed.
import { footfall } from "./footfall.mjs";

const LOADER = `
  const at = document.currentScript.src;
  addEventListener("click", () => {}, { capture: true, passive: true });
  bench.track = () => {};
  requestIdleCallback(() => import(new URL("/floor-module.js", at)));`;

const MODULE = `
  const names = new Proxy({}, { get: () => () => {} });
  const imports = new Proxy({}, { get: () => names });
  const { instance } = await WebAssembly.instantiateStreaming(fetch(new URL("/floor.wasm", import.meta.url)), imports);
  window.kept = instance;
  localStorage.setItem("floor", "1");
  bench.started();
  navigator.sendBeacon(new URL("/v1/events", import.meta.url), "page");`;

export const floor = {
  id: "floor",
  name: "(does nothing)",
  note: "a loader, a script and our module that do nothing; it tells one page view and no event",
  files() {
    const ours = footfall.files();
    const wasm = Object.keys(ours).find((file) => file.endsWith(".wasm"));
    return { "/floor.js": LOADER, "/floor-module.js": MODULE, "/floor.wasm": ours[wasm] };
  },
  head: (origin) => `<script async src="${origin}/floor.js"></script>`,
  events: () => ["page"],
};
