// Snowplow twice: the bare browser tracker, and with the plugins of its full script. Snowplow's own sp.js and
// sp.lite.js are built from these packages, and are not on npm themselves.
import { bundle } from "./bundle.mjs";
import { versionOf } from "./packages.mjs";

const version = versionOf("@snowplow/browser-tracker");

const snowplow = (kind, note) => ({
  id: `snowplow-${kind}`,
  name: `Snowplow ${kind}`,
  note: `@snowplow/browser-tracker ${version}, ${note}`,
  files: async () => ({ [`/snowplow-${kind}.js`]: await bundle(`snowplow-${kind}`) }),
  head: (origin) => `<script async src="${origin}/snowplow-${kind}.js"></script>`,
  events: ({ path, json }) =>
    path.endsWith("/tp2") ? json().data.map(({ e }) => (e === "pv" ? "page" : e === "ue" ? "event" : e)) : [],
  eventName: "event",
  answer: () => ({ body: "ok", type: "text/plain" }),
});

export const snowplowLite = snowplow("lite", "bundled by esbuild, with page views and activity tracking");
export const snowplowFull = snowplow(
  "full",
  "with 10 of the 13 plugins of sp.js (ad tracking, geolocation and enhanced consent have no version 4 on npm)",
);
