// umami's script, minified as umami's own build does. It is in the npm package of the whole of umami, which
// scripts/bench-sdk.sh unpacks without what that depends on; UMAMI_PACKAGE says where.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transform } from "esbuild";

/** `undefined` where the package was not unpacked. */
export const umami = process.env.UMAMI_PACKAGE && {
  id: "umami",
  name: "umami",
  note: `umami ${JSON.parse(readFileSync(join(process.env.UMAMI_PACKAGE, "package.json"))).version}, src/tracker`,
  files: async () => {
    const source = readFileSync(join(process.env.UMAMI_PACKAGE, "src/tracker/index.js"), "utf8");
    return { "/script.js": Buffer.from((await transform(source, { minify: true, target: "es2022" })).code) };
  },
  head: (origin) =>
    `<script async src="${origin}/script.js" data-website-id="b0000000-0000-4000-8000-000000000001" onload="
      bench.track = (name, data) => umami.track(name, data);
      bench.started();
    "></script>`,
  events: ({ path, json }) => {
    if (path !== "/api/send") return [];
    const { type, payload } = json();
    return [type === "event" && !payload.name ? "page" : payload.name];
  },
  answer: () => ({ body: '"cached"', type: "application/json" }),
};
