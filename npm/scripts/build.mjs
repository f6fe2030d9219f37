// Builds dist/ for npm and dist/sdk/ for a server's `/sdk/`: names hashed by content, each with .br and .gz beside it.
// The WebAssembly module comes from scripts/build-sdk.sh, which does nothing when it is up to date.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

const npm = join(dirname(fileURLToPath(import.meta.url)), "..");
const pkg = join(npm, "..", "target", "sdk-pkg");
// Filled first, then put in place: a failed build leaves the last one as it was.
const dist = join(npm, "dist.new");
const sdk = join(dist, "sdk");

/** The second part stays a file of its own: a site's bundler makes a chunk of the import. */
const secondPart = {
  name: "second-part",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/extras\/index\.js$/ }, () => ({ path: "./extras.js", external: true }));
  },
};

run(join(npm, "..", "scripts", "build-sdk.sh"));
rmSync(dist, { recursive: true, force: true });
mkdirSync(sdk, { recursive: true });
run(join(npm, "node_modules", ".bin", "tsc"), "--emitDeclarationOnly", "--declaration", "--declarationDir", dist);
// Only what index.d.ts refers to is for people.
for (const inner of readdirSync(dist).filter((file) => !/^(index|types)\.d\.ts$|^sdk$/.test(file))) {
  rmSync(join(dist, inner), { recursive: true });
}

const { version } = JSON.parse(readFileSync(join(npm, "package.json"), "utf8"));
const wasm = readFileSync(join(pkg, "footfall_sdk_bg.wasm"));
copyFileSync(join(pkg, "footfall_sdk_bg.wasm"), join(dist, "footfall.wasm"));
writeFileSync(join(dist, "index.js"), await bundle("src/index.ts", { TYPED: false }, "esm"));

const wasmName = publish("footfall", "wasm", wasm);
const extras = await bundle("src/extras/index.ts", {}, "esm");
writeFileSync(join(dist, "extras.js"), extras);
const extrasName = publish("footfall-extras", "js", extras);
const module = await bundle("src/sdk.ts", { WASM: wasmName, EXTRAS: extrasName, TYPED: true }, "esm");
// Nearly all of it runs at the start: V8 then compiles it on another thread, and not piece by piece on the page's own.
const moduleName = publish("footfall", "js", Buffer.concat([Buffer.from("//# allFunctionsCalledOnLoad\n"), module]));
write("footfall.js", await bundle("src/loader.ts", { MODULE: moduleName }, "iife"));
rmSync(join(npm, "dist"), { recursive: true, force: true });
renameSync(dist, join(npm, "dist"));

/** One minified file, with its build-time names filled in. */
async function bundle(entry, names, format) {
  const result = await build({
    absWorkingDir: npm,
    entryPoints: [entry],
    bundle: true,
    minifySyntax: true,
    format,
    target: "es2022",
    legalComments: "none",
    // Modules are strict as they stand.
    tsconfigRaw: {},
    define: Object.fromEntries(Object.entries({ VERSION: version, ...names }).map(([name, value]) => [name, JSON.stringify(value)])),
    plugins: [secondPart],
    write: false,
    logLevel: "warning",
  });
  // What esbuild's own minifier leaves is 4 % more after compression. Nothing here asks a function for its `this`,
  // its `prototype` or its number of arguments, which is all that the "unsafe" ones forbid.
  const code = new TextDecoder().decode(result.outputFiles[0].contents);
  const minified = await minify(code, { module: format === "esm", ecma: 2022, compress: { passes: 5, inline: 1, unsafe_arrows: true, unsafe_methods: true, keep_fargs: false } });
  return Buffer.from(minified.code);
}

/** Writes content under a name that tells it, so that it can be cached for ever. */
function publish(name, ending, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const file = `${name}-${hash}.${ending}`;
  write(file, content);
  return file;
}

function write(file, content) {
  writeFileSync(join(sdk, file), content);
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(join(sdk, `${file}.br`), brotliCompressSync(content, { params: quality }));
  writeFileSync(join(sdk, `${file}.gz`), gzipSync(content, { level: 9 }));
}

function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { cwd: npm, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
