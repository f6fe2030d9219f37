// Where the things under test are: what a build leaves, and what the scripts offer.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../../..");
export const artefacts = join(root, "tests/artefacts");

const profile = process.env.BUILD_PROFILE ?? "debug";
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");

/** The path of a binary that the build must have left. */
export function binary(name) {
  const path = join(target, profile, name);
  if (!existsSync(path)) throw new Error(`${path} is not built; run \`make e2e\`, which builds what the tests need`);
  return path;
}

/** The path of a script. */
export function script(name) {
  return join(root, "scripts", name);
}
