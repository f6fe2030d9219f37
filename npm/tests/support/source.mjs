// A TypeScript module of src/, imported on its own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const src = join(dirname(fileURLToPath(import.meta.url)), "../../src");

export async function source(name) {
  const folder = mkdtempSync(join(tmpdir(), "footfall-source-"));
  const outfile = join(folder, "module.mjs");
  try {
    await build({ entryPoints: [join(src, name)], outfile, bundle: true, format: "esm", logLevel: "warning" });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
