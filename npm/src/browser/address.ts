/**
 * Addresses as privacy lets them be sent: of the query only keys that are allowed, and no fragment but the path of a
 * hash route; the rest goes through `masked.ts`.
 */
import { masked } from "./masked.js";

/** What a site says of its addresses. */
export interface Addresses {
  /** Query keys that may be told, besides those of campaigns. */
  allowQuery?: readonly string[];
  /** Whether the path of a fragment (`#/inbox`) is a route. */
  hashRoutes?: boolean;
  /** Whether the visitor asked for privacy: the ids of their clicks on advertisements are not told. */
  isPrivate?: boolean;
}

/** What is read of a link, a `URL` or the page's location. */
export type Parts = Pick<URL, "protocol" | "origin" | "pathname" | "hash">;

/** The longest address or path; the server's limits leave room for three of them. */
const LONGEST = 2_000;
/** Ids that advertisers put on their links: long, and of use only whole. */
const CLICK_ID = /^((g|d|fb|tt|tw|y)clid|msclkid|[gw]braid|li_fat_id|igshid)=./;
const UTM = /^utm_\w+=./;

/** Base, query and fragment of an address, the latter two with their signs. */
function parts(address: string): [base: string, query: string, hash: string] {
  const [, base, query, hash] = /^([^?#]*)([^#]*)(.*)/s.exec(address)!;
  return [base!, query!, hash!];
}

/** What may be told of a query. */
function told(query: string, { allowQuery = [], isPrivate }: Addresses): string {
  const kept = query
    .slice(1)
    .split("&")
    .flatMap((pair) => {
      if (CLICK_ID.test(pair)) return isPrivate ? [] : pair;
      return UTM.test(pair) || allowQuery.includes(pair.split("=", 1)[0]!) ? masked(pair) : [];
    });
  return kept.join("&");
}

/** The path in a fragment, where it is a route: `#/inbox?q=1` is `#/inbox`. */
function route(hash: string, { hashRoutes }: Addresses): string {
  return (hashRoutes && /^#!?\/[^?#]*/.exec(hash)?.[0]) || "";
}

/** An address for `page.url` and `page.referrer`. */
export function scrubbed(address: string, addresses: Addresses = {}): string {
  const [base, query, hash] = parts(address);
  const kept = told(query, addresses);
  // A name and a password before the host are nobody's business.
  const rest = masked(base.replace(/\/\/[^/]*@/, "//"));
  return (rest + (kept && `?${kept}`) + masked(route(hash, addresses))).slice(0, LONGEST);
}

/** The path of an address, for `page.path`. */
export function pathOf({ pathname, hash }: Parts, addresses: Addresses = {}): string {
  return masked(pathname + route(hash, addresses)).slice(0, LONGEST);
}

/** What tells one route from another: the path, with the hash route, and the query where it counts. */
export function place(address: string, hasQuery: boolean, addresses: Addresses): string {
  const [base, query, hash] = parts(address);
  return base + (hasQuery ? query : "") + route(hash, addresses);
}

/** Whether an address is one of the web. (An SVG link has no such parts.) */
export function isWeb({ protocol }: Partial<Parts>): boolean {
  return !!protocol?.startsWith("http");
}

/**
 * Where a link leads: the path within the site, origin and path outside of it, and only the scheme of what is no web
 * address, since an e-mail address or a telephone number is somebody's.
 */
export function target(link: Parts, addresses?: Addresses): string | undefined {
  if (!isWeb(link)) return link.protocol;
  return (link.origin === location.origin ? "" : link.origin) + pathOf(link, addresses);
}

/** The campaign that an address names, as one text that is the same for the same campaign; empty where there is none. */
export function campaign(address: string, { isPrivate = false }: Addresses = {}): string {
  const tags = new URLSearchParams(told(parts(address)[1], { isPrivate }).slice(0, LONGEST));
  tags.sort();
  return `${tags}`;
}
