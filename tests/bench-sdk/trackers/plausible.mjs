// Plausible's npm package: page views and engagement.
import { bundle } from "./bundle.mjs";
import { versionOf } from "./packages.mjs";

const pkg = "@plausible-analytics/tracker";

export const plausible = {
  id: "plausible",
  name: "Plausible",
  note: `${pkg} ${versionOf(pkg)}, bundled by esbuild`,
  files: async () => ({ "/plausible.js": await bundle("plausible") }),
  head: (origin) => `<script async src="${origin}/plausible.js"></script>`,
  events: ({ path, json }) => {
    if (path !== "/api/event") return [];
    const { n } = json();
    return [n === "pageview" ? "page" : n];
  },
  answer: () => ({ status: 202, body: "ok", type: "text/plain" }),
};
