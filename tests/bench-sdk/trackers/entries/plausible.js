// Plausible as its package's README has it.
import { init, track } from "@plausible-analytics/tracker";

init({ domain: "bench.example", endpoint: `${new URL(document.currentScript.src).origin}/api/event` });
bench.track = (name, props) => track(name, { props });
bench.started();
