/** What stays the same while the page lives: screen, language, time zone, the page's trace, and the SDK itself. */

import { attempt } from "../attempt.js";

/** The SDK's version, filled in by `scripts/build.mjs`. */
declare const VERSION: string;

/** Newer browsers have it, and tell the zone without all that is needed to write dates in the visitor's language. */
declare const Temporal: { Now: { timeZoneId(): string } };

/** The time zone, as an IANA name. The older way costs more than all of a tracker's start: it is asked for when there is time. */
export const timezone = (): string | undefined =>
  (zone ??= attempt(() => Temporal.Now.timeZoneId()) ?? attempt(() => Intl.DateTimeFormat().resolvedOptions().timeZone));
let zone: string | undefined;

/** The device's part of a context, as members of a JSON object. Browser, system and place are left to the server, which sees them anyway. */
export function device(timezone?: string): string {
  const { width, height } = screen;
  const traceparent = document.querySelector<HTMLMetaElement>("meta[name=traceparent]")?.content;
  return JSON.stringify({
    screen: { width, height, density: devicePixelRatio },
    locale: navigator.language,
    timezone,
    sdk: { name: "footfall-js", version: VERSION },
    // W3C Trace Context, section 3.2: that of version 00 has a fixed length.
    traceparent: traceparent?.length === 55 ? traceparent : undefined,
  }).slice(1, -1);
}
