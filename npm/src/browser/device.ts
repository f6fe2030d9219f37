/** What stays the same while the page lives: screen, language, time zone, and the SDK itself. */

/** The SDK's version, filled in by `scripts/build.mjs`. */
declare const VERSION: string;

/** The device's part of a context, as members of a JSON object. Browser, system and place are left to the server, which sees them anyway. */
export function device(): string {
  const { width, height } = screen;
  return JSON.stringify({
    screen: { width, height, density: devicePixelRatio },
    locale: navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    sdk: { name: "footfall-js", version: VERSION },
  }).slice(1, -1);
}

/** Whether the visitor asked not to be followed (https://globalprivacycontrol.org). */
export function asksForPrivacy(): boolean {
  return !!(navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl;
}
