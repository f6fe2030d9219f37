/** What the module would say, in short: for pages that go before it comes, and for browsers that do not let it in. */
import { attempt } from "./attempt.js";
import type { Call } from "./early.js";
import { asksForPrivacy } from "./privacy.js";
import type { Options } from "./types.js";

/** Whether the visitor lets all be told, by what was said on this page, on an earlier one, or by the site. */
export function mayTell({ key, consent, privacy }: Options, said: unknown): boolean {
  const choice = said ?? attempt(() => localStorage[`footfall:${key}:consent`] as string) ?? consent;
  // In whichever form it was said. Categories are the module's: where one is not granted, nothing is told.
  const words = JSON.stringify(choice) ?? "granted";
  const isGranted = /gran|In/.test(words) && !/den|pend/.test(words);
  return isGranted && !(privacy === "off" && asksForPrivacy());
}

/** The context of all events, as JSON: a path without its query for a page, no ids where the visitor asked for privacy. */
export function identity({ key, userId, privacy, storage }: Options): string {
  const { origin, pathname } = location;
  const isPrivate = privacy !== "ignore" && asksForPrivacy();
  // The id is where the module keeps it; where that is another place, it is not known here.
  const kept = (): string | undefined => (storage ? undefined : (localStorage[`footfall:${key}:anonymous_id`] ||= newId()));
  return JSON.stringify({
    ...(!isPrivate && { anonymous_id: attempt(kept), user_id: userId }),
    page: { url: origin + pathname, path: pathname, title: document.title.slice(0, 200) },
  });
}

/** Keeps a body that leaves, for the module to ask for (`storage.ts`); among few entries, since none may ever come. */
export function keep(key: string, id: string, body: string): unknown {
  return attempt(() => localStorage.length < 99 && (localStorage[`footfall:${key}:batch:${id}`] = body));
}

/**
 * A held call as the text of an event; false where it is none. Its id stays: Firefox cancels scripts of a tab that is
 * closed, and the next try may send it again.
 */
export function eventText(call: Call & { id?: string }): string | false {
  const [timestamp, type, first, second] = call;
  const element = !type && (first as Element[]).find((node) => node.matches?.("[data-track]"));
  const told = element
    ? { event: element.getAttribute("data-track") || "click" }
    : type === "track"
      ? { event: first, properties: parsed(second) }
      : type === "identify"
        ? { user_id: first, traits: parsed(second) }
        : type === "page" && { properties: parsed(first) };
  return told && JSON.stringify({ event_id: (call.id ||= newId()), type: type || "track", timestamp, ...told });
}

const parsed = (json: unknown): unknown => attempt(() => JSON.parse(json as string));

/** A UUID v7: the time, and the random part of another one. Outside of secure contexts (`http:`) it is only like one. */
export function newId(): string {
  // Eleven digits until the year 2527.
  const time = Date.now().toString(16).replace(/.{7}/, "0$&-");
  return `${time}-7${attempt(() => crypto.randomUUID().slice(15)) ?? Math.random()}`;
}
