// PostHog's array.js, as its snippet loads it. The remote settings of the project switch on nothing beyond the
// defaults: captured clicks and page views, and no recording, so that nothing else is loaded.
import { packageFile, packageFolder, versionOf } from "./packages.mjs";

const pkg = "posthog-js";
const key = "phc_bench";
const settings = { token: key, supportedCompression: ["gzip-js"], hasFeatureFlags: false, autocapture_opt_out: false };

export const posthog = {
  id: "posthog",
  name: "PostHog",
  note: `${pkg} ${versionOf(pkg)}, dist/array.js, no recording`,
  files: () =>
    Object.fromEntries(
      packageFolder(pkg, "dist")
        .filter((file) => file.endsWith(".js"))
        .map((file) => [`/static/${file}`, packageFile(pkg, `dist/${file}`)]),
    ),
  // What their snippet leaves behind for the script. The limit on calls is lifted, or most calls would be dropped; it
  // sends after a quarter of a second rather than three, so that the bench waits less.
  head: (origin) =>
    `<script>
      const calls = (window.posthog = []);
      const options = {
        api_host: "${origin}",
        defaults: "2025-05-24",
        request_queue_config: { flush_interval_ms: 250 },
        rate_limiting: { events_per_second: 1e6, events_burst_limit: 1e6 },
        loaded: (posthog) => {
          bench.track = (name, properties) => posthog.capture(name, properties);
          bench.started();
        },
      };
      Object.assign(calls, { __SV: 1, _i: [["${key}", options, "posthog"]] });
    </script>
    <script async src="${origin}/static/array.js"></script>`,
  events: ({ path, json }) => {
    if (!/^\/(e|i\/v0\/e)\/$/.test(path)) return [];
    const said = json();
    const events = Array.isArray(said) ? said : (said.batch ?? [said]);
    return events.map(({ event }) => (event === "$pageview" ? "page" : event));
  },
  answer({ path }) {
    if (path.endsWith("/config.js")) {
      const text = `(window._POSTHOG_REMOTE_CONFIG ??= {})["${key}"] = { config: ${JSON.stringify(settings)}, siteApps: [] };`;
      return { body: text, type: "text/javascript" };
    }
    const said = /config/.test(path) ? settings : { status: 1, featureFlags: {}, flags: {} };
    return { body: JSON.stringify(said), type: "application/json" };
  },
};
