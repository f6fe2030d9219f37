// Ours, as the script tag of npm/README.md, from the last build in npm/dist/sdk/.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const dist = join(dirname(fileURLToPath(import.meta.url)), "../../../npm/dist/sdk");

export const footfall = {
  id: "footfall",
  name: "Footfall",
  isOurs: true,
  files: () =>
    Object.fromEntries(
      readdirSync(dist)
        .filter((file) => /\.(js|wasm)$/.test(file))
        .map((file) => [`/sdk/${file}`, readFileSync(join(dist, file))]),
    ),
  head: (origin) =>
    `<script async src="${origin}/sdk/footfall.js" data-key="pk_bench" onload="
      bench.track = footfall.track;
      bench.flush = footfall.flush;
      bench.started(footfall.ready());
    "></script>`,
  events: ({ path, json }) =>
    path === "/v1/events" ? json().events.map(({ type, event }) => (type === "page" ? "page" : event)) : [],
  answer({ path, json }) {
    if (path !== "/v1/events") return { body: "{}", type: "application/json" };
    const { events, unconfirmed = [] } = json();
    const receipts = Object.fromEntries(unconfirmed.map((id) => [id, "stored"]));
    return { body: JSON.stringify({ code: "ok", accepted: events.length, receipts }), type: "application/json" };
  },
};
