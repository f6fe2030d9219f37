/** What the module would say, in short: for pages that go before it comes, and for browsers that do not let it in. */
import type { Call } from "./early.js";
import { asksForPrivacy } from "./privacy.js";
import type { Options } from "./types.js";

/** What the module keeps under that name; nothing where storage is forbidden. */
function stored(key: string, name: string): string | undefined {
  try {
    return localStorage[`footfall:${key}:${name}`] as string | undefined;
  } catch {
    return undefined;
  }
}

/** Whether the visitor lets anything be told: by what was said on this page, on an earlier one, or by the site. */
export function mayTell({ key, consent, privacy }: Options, said: unknown): boolean {
  const choice = said ?? stored(key, "consent") ?? consent;
  return (privacy !== "off" || !asksForPrivacy()) && (!choice || /^granted|analytics":"g/.test(typeof choice === "string" ? choice : JSON.stringify(choice)));
}

/** The context of all events, as JSON: a path without its query for a page, no ids where the visitor asked for privacy. */
export function identity({ key, userId, privacy, storage }: Options): string {
  const { origin, pathname } = location;
  const ids = asksForPrivacy() && privacy !== "ignore" ? {} : { anonymous_id: storage ? undefined : anonymousId(key), user_id: userId };
  return JSON.stringify({
    ...ids,
    page: { url: origin + pathname, path: pathname, title: document.title.slice(0, 200) },
    sdk: { name: "footfall-loader" },
  });
}

/** A held call as the text of an event; empty where it is none. */
export function eventText([timestamp, type, first, second]: Call): string {
  const event: Record<string, unknown> = { event_id: newId(), type, timestamp };
  if (type === "click") {
    const element = (first as Element[]).find((node) => node.matches?.("[data-track]"));
    if (!element) return "";
    event.type = "track";
    event.event = element.getAttribute("data-track") || type;
    event.properties = { tag: element.localName, id: element.id };
  } else if (type === "identify") {
    event.user_id = first;
    event.traits = parsed(second);
  } else if (type === "track") {
    event.event = first;
    event.properties = parsed(second);
  } else if (type === "page") {
    event.properties = parsed(first);
  } else return "";
  return JSON.stringify(event);
}

const parsed = (json: unknown): unknown => json && JSON.parse(json as string);

/** The browser's id, kept where the module keeps it. */
function anonymousId(key: string): string | undefined {
  try {
    return (localStorage[`footfall:${key}:anonymous_id`] ||= newId());
  } catch {
    // Storage is forbidden.
    return undefined;
  }
}

/** A UUID v7. */
function newId(): string {
  let hex = Date.now().toString(16).padStart(12, "0") + "7";
  for (const byte of crypto.getRandomValues(new Uint8Array(10))) hex += (byte | 256).toString(16).slice(1);
  return hex.replace(/^(.{8})(.{4})(.{4}).(.{3})(.{12}).*/, "$1-$2-$3-8$4-$5");
}
