// What a visitor's browser transfers, at brotli 11, beside the budget in size-budget.json; fails above it.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const npm = join(dirname(fileURLToPath(import.meta.url)), "..");
const sdk = join(npm, "dist", "sdk");
const budget = JSON.parse(readFileSync(join(npm, "size-budget.json"), "utf8"));

let files;
try {
  files = readdirSync(sdk);
} catch {
  console.error("npm/dist/sdk/ is missing: run `npm run build` first");
  process.exit(1);
}
const parts = {
  loader: /^footfall\.js$/,
  glue: /^footfall-[0-9a-f]+\.js$/,
  wasm: /^footfall-[0-9a-f]+\.wasm$/,
  // Comes only where one of its captures is on.
  extras: /^footfall-extras-[0-9a-f]+\.js$/,
};
const sizes = {};
for (const [part, name] of Object.entries(parts)) {
  const found = files.filter((file) => name.test(file));
  if (found.length !== 1) {
    console.error(`npm/dist/sdk/ has ${found.length} files for the ${part}, not one: run \`npm run build\` again`);
    process.exit(1);
  }
  sizes[part] = { plain: statSync(join(sdk, found[0])).size, brotli: statSync(join(sdk, `${found[0]}.br`)).size };
}
const sum = (...parts) => {
  const total = (of) => parts.reduce((total, part) => total + sizes[part][of], 0);
  return { plain: total("plain"), brotli: total("brotli") };
};
const { extras, ...base } = sizes;
// With the captures that are on by default, and with all of them.
const rows = { ...base, total: sum("loader", "glue", "wasm"), extras, all: sum(...Object.keys(sizes)) };

const over = [];
console.log("part        plain   brotli   budget");
for (const [part, { plain, brotli }] of Object.entries(rows)) {
  const allowed = budget[part];
  console.log(`${part.padEnd(8)} ${`${plain}`.padStart(8)} ${`${brotli}`.padStart(8)} ${`${allowed ?? ""}`.padStart(8)}`);
  if (brotli > allowed) over.push(`${part} is ${brotli - allowed} bytes above its budget of ${allowed}`);
}
if (over.length > 0) {
  console.error(`${over.join("; ")} (npm/size-budget.json)`);
  process.exit(1);
}
