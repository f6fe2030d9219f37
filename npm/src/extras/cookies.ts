/** Keeps the visitor's ids in first-party cookies, only where a site asks for that: subdomains then share their visitors. */
import type { Store } from "../browser/storage.js";

/** As long as browsers keep one (RFC 6265bis, section 5.5). */
const LONGEST_S = 34_560_000;
/** The slots that a cookie holds, in the core's order. */
const NAMES = ["anonymous_id", "session"];
/** What looks like an id, and for a session like what belongs to it. */
const VALUE = /^[\w-]{8,64}( \d{1,15}){0,3}$/;

/** The same store with cookies for the ids. */
export function withCookies(stored: Store, writeKey: string, domain?: string): Store {
  // A colon is no part of a cookie's name.
  const named = (slot: number): string => `footfall_${writeKey}_${NAMES[slot]}`;
  const set = (slot: number, value: string): void => {
    const where = `path=/;samesite=lax${domain ? `;domain=${domain}` : ""}${location.protocol === "https:" ? ";secure" : ""}`;
    document.cookie = `${named(slot)}=${encodeURIComponent(value)};max-age=${value ? LONGEST_S : 0};${where}`;
  };
  return {
    ...stored,
    load(guard, recalled) {
      stored.load(guard, (slot, value) => {
        if (slot >= NAMES.length) recalled(slot, value);
      });
      for (const slot of NAMES.keys()) {
        const found = document.cookie.split("; ").find((cookie) => cookie.startsWith(`${named(slot)}=`));
        const value = decodeURIComponent(found?.slice(found.indexOf("=") + 1) ?? "");
        if (VALUE.test(value)) recalled(slot, value);
      }
    },
    remember(slot, value) {
      if (slot < NAMES.length) set(slot, value);
      else stored.remember(slot, value);
    },
    forgetAll() {
      stored.forgetAll();
      for (const slot of NAMES.keys()) set(slot, "");
    },
  };
}
