/** First-party cookies, only where a site asks for them: subdomains then share their visitors. */

/** As long as browsers keep one (RFC 6265bis, section 5.5). */
const LONGEST_S = 34_560_000;

// A colon is no part of a cookie's name.
const named = (name: string): string => name.replaceAll(":", "_");

export interface Cookies {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
}

export function cookies(domain?: string): Cookies {
  return {
    get(name) {
      const found = document.cookie.split("; ").find((cookie) => cookie.startsWith(`${named(name)}=`));
      return found && decodeURIComponent(found.slice(found.indexOf("=") + 1));
    },
    set(name, value) {
      const where = `path=/;samesite=lax${domain ? `;domain=${domain}` : ""}${isSecureContext ? ";secure" : ""}`;
      document.cookie = `${named(name)}=${encodeURIComponent(value)};max-age=${value ? LONGEST_S : 0};${where}`;
    },
  };
}
