// Snowplow with the plugins of its full script, those that npm has for version 4, and their captures on.
import {
  enableActivityTracking,
  newTracker,
  trackPageView,
  trackSelfDescribingEvent,
} from "@snowplow/browser-tracker";
import { ButtonClickTrackingPlugin, enableButtonClickTracking } from "@snowplow/browser-plugin-button-click-tracking";
import { ClientHintsPlugin } from "@snowplow/browser-plugin-client-hints";
import * as errors from "@snowplow/browser-plugin-error-tracking";
import { FormTrackingPlugin, enableFormTracking } from "@snowplow/browser-plugin-form-tracking";
import { GaCookiesPlugin } from "@snowplow/browser-plugin-ga-cookies";
import { LinkClickTrackingPlugin, enableLinkClickTracking } from "@snowplow/browser-plugin-link-click-tracking";
import { PerformanceTimingPlugin } from "@snowplow/browser-plugin-performance-timing";
import * as siteSearch from "@snowplow/browser-plugin-site-tracking";
import * as shop from "@snowplow/browser-plugin-snowplow-ecommerce";
import { TimezonePlugin } from "@snowplow/browser-plugin-timezone";

newTracker("sp", new URL(document.currentScript.src).origin, {
  appId: "bench",
  contexts: { webPage: true },
  plugins: [
    ButtonClickTrackingPlugin(),
    ClientHintsPlugin(),
    errors.ErrorTrackingPlugin(),
    FormTrackingPlugin(),
    GaCookiesPlugin(),
    LinkClickTrackingPlugin(),
    PerformanceTimingPlugin(),
    siteSearch.SiteTrackingPlugin(),
    shop.SnowplowEcommercePlugin(),
    TimezonePlugin(),
  ],
});
enableActivityTracking({ minimumVisitLength: 10, heartbeatDelay: 10 });
enableLinkClickTracking();
enableButtonClickTracking();
enableFormTracking();
errors.enableErrorTracking();
trackPageView();
// A script tag's functions can all be called by name, so nothing of a plugin may be shaken off.
window.snowplowApi = { ...errors, ...siteSearch, ...shop };
bench.track = (name, data) =>
  trackSelfDescribingEvent({ event: { schema: `iglu:com.example/${name}/jsonschema/1-0-0`, data } });
bench.started();
