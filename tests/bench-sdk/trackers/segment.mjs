// Segment's standalone build and the parts that it loads, with the settings of a source that has no destinations.
import { packageFile, packageFolder, versionOf } from "./packages.mjs";

const pkg = "@segment/analytics-next";
const key = "bench";

export const segment = {
  id: "segment",
  name: "Segment",
  note: `${pkg} ${versionOf(pkg)}, dist/umd/standalone.js and the parts that it loads`,
  files: () => ({
    [`/analytics.js/v1/${key}/analytics.min.js`]: packageFile(pkg, "dist/umd/standalone.js"),
    ...Object.fromEntries(
      packageFolder(pkg, "dist/umd")
        .filter((file) => file.endsWith(".js"))
        .map((file) => [`/analytics-next/bundles/${file}`, packageFile(pkg, `dist/umd/${file}`)]),
    ),
  }),
  // What their snippet leaves behind for the script: the calls made so far, the key and where the rest is.
  head: (origin) =>
    `<script>
      const ready = () => {
        bench.track = (name, properties) => analytics.track(name, properties);
        bench.started();
      };
      const calls = (window.analytics = [["page"], ["ready", ready]]);
      Object.assign(calls, { initialize: false, invoked: true, _writeKey: "${key}", _cdn: "${origin}" });
    </script>
    <script async src="${origin}/analytics.js/v1/${key}/analytics.min.js"></script>`,
  events: ({ path, json }) => {
    if (!/^\/v1\/[a-z]$/.test(path)) return [];
    const { type, event, batch } = json();
    return (batch ?? [{ type, event }]).map((one) => (one.type === "page" ? "page" : one.event));
  },
  answer({ path, host }) {
    const settings = {
      // Figures about itself, which would go to Segment.
      metrics: { sampleRate: 0 },
      integrations: { "Segment.io": { apiKey: key, apiHost: `${host}/v1`, protocol: "http", versionSettings: {} } },
      plan: { track: { __default: { enabled: true, integrations: {} } } },
    };
    const said = path.endsWith("/settings") ? settings : { success: true };
    return { body: JSON.stringify(said), type: "application/json" };
  },
};
