// What a tracker keeps in memory once its page view has been sent, in bytes: script's heap, what the browser holds for
// it (listeners, observers), array buffers, and the memories of WebAssembly modules, which no figure of Chromium's
// counts (neither Runtime.getHeapUsage nor performance.measureUserAgentSpecificMemory).
import { visit } from "../visit.mjs";

export async function measureHeap(bench, tracker) {
  return visit(bench, tracker, {}, async ({ cdp }) => {
    await cdp.send("HeapProfiler.enable");
    for (let times = 0; times < 2; times += 1) await cdp.send("HeapProfiler.collectGarbage");
    const { usedSize, embedderHeapUsedSize, backingStorageSize } = await cdp.send("Runtime.getHeapUsage");
    return { heap: usedSize + embedderHeapUsedSize + backingStorageSize, wasm: await wasmMemory(cdp) };
  });
}

/** All memories that live, whoever holds them. */
async function wasmMemory(cdp) {
  const { result } = await cdp.send("Runtime.evaluate", { expression: "WebAssembly.Memory.prototype" });
  const { objects } = await cdp.send("Runtime.queryObjects", { prototypeObjectId: result.objectId });
  const { result: bytes } = await cdp.send("Runtime.callFunctionOn", {
    objectId: objects.objectId,
    functionDeclaration: "function () { return this.reduce((total, { buffer }) => total + buffer.byteLength, 0); }",
    returnByValue: true,
  });
  return bytes.value;
}
