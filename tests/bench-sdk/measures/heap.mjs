// What a tracker keeps in memory once its page view has been sent, in bytes: script's heap, what the browser holds for
// it (listeners, observers), array buffers, and the memories of WebAssembly modules, which no figure of Chromium's
// counts (neither Runtime.getHeapUsage nor performance.measureUserAgentSpecificMemory). The compiled code of a module is
// told apart: it is no heap, and Chromium only estimates it.
import { visit } from "../visit.mjs";

export async function measureHeap(bench, tracker) {
  return visit(bench, tracker, {}, async ({ cdp }) => {
    await cdp.send("HeapProfiler.enable");
    for (let times = 0; times < 2; times += 1) await cdp.send("HeapProfiler.collectGarbage");
    const { usedSize, embedderHeapUsedSize, backingStorageSize } = await cdp.send("Runtime.getHeapUsage");
    const wasm = await wasmMemory(cdp);
    const heap = usedSize + embedderHeapUsedSize + backingStorageSize;
    return { heap, wasm, code: wasm && (await wasmCode(cdp)) };
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

/** What a heap snapshot says of compiled modules. */
async function wasmCode(cdp) {
  const chunks = [];
  const take = ({ chunk }) => chunks.push(chunk);
  cdp.on("HeapProfiler.addHeapSnapshotChunk", take);
  await cdp.send("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
  cdp.off("HeapProfiler.addHeapSnapshotChunk", take);
  const { snapshot, nodes, strings } = JSON.parse(chunks.join(""));
  const fields = snapshot.meta.node_fields;
  const [name, size] = [fields.indexOf("name"), fields.indexOf("self_size")];
  let bytes = 0;
  for (let node = 0; node < nodes.length; node += fields.length) {
    if (strings[nodes[node + name]].includes("WasmNativeModule")) bytes += nodes[node + size];
  }
  return bytes;
}
