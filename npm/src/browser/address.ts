/** Addresses as privacy lets them be sent: no fragment, and of the query only campaign tags (`utm_*`). */

/** The longest address or path; the server's limits leave room for three of them. */
const LONGEST = 2_000;

/** An address for `page.url` and `page.referrer`. */
export function scrubbed(address: string): string {
  const [base = "", query = ""] = address.split("#", 1)[0]!.split(/\?(.*)/s);
  const kept = query.split("&").filter((pair) => pair.startsWith("utm_"));
  return [base, ...(kept.length ? [kept.join("&")] : [])].join("?").slice(0, LONGEST);
}

/**
 * Where a link leads: the path within the site, origin and path outside of it, and only the scheme of what is no web
 * address, since an e-mail address or a telephone number is somebody's.
 */
export function target(address: string): string {
  const { protocol, origin, pathname } = new URL(address, location.href);
  if (!protocol.startsWith("http")) return protocol;
  return (origin === location.origin ? pathname : origin + pathname).slice(0, LONGEST);
}
