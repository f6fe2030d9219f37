// Files and versions of the packages in node_modules, those that no `exports` names included.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const modules = join(dirname(fileURLToPath(import.meta.url)), "../node_modules");

export const packageFile = (name, path) => readFileSync(join(modules, name, path));

/** The names of the files in a folder of a package. */
export const packageFolder = (name, path) => readdirSync(join(modules, name, path));

export const versionOf = (name) => JSON.parse(packageFile(name, "package.json")).version;
