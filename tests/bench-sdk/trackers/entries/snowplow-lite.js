// Snowplow as its quick start has it: one tracker, activity tracking, a page view. This is what sp.lite.js holds.
import { enableActivityTracking, newTracker, trackPageView, trackSelfDescribingEvent } from "@snowplow/browser-tracker";

newTracker("sp", new URL(document.currentScript.src).origin, { appId: "bench", contexts: { webPage: true } });
enableActivityTracking({ minimumVisitLength: 10, heartbeatDelay: 10 });
trackPageView();
bench.track = (name, data) =>
  trackSelfDescribingEvent({ event: { schema: `iglu:com.example/${name}/jsonschema/1-0-0`, data } });
bench.started();
