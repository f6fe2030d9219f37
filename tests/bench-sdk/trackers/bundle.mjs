// A tracker that comes as modules, bundled into the one script that a site would serve.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));

/** The minified bundle of `entries/<name>.js`. */
export async function bundle(name) {
  const { outputFiles } = await build({
    entryPoints: [join(here, "entries", `${name}.js`)],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    legalComments: "none",
    tsconfigRaw: {},
    write: false,
    logLevel: "warning",
  });
  return Buffer.from(outputFiles[0].contents);
}
