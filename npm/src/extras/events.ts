/** Events as the hooks of the page see them: made of what the core is told, and taken apart again. */
import { Kind } from "../browser/core.js";
import type { Told } from "../browser/extras.js";
import type { Event, Options } from "../types.js";
import type { Reports } from "./reports.js";

const TYPES = ["track", "page", "", "identify", "group", "alias"];
/** What an event's name is. */
const NAMED = ["event", "event", "", "user_id", "group_id", "user_id"];

const bagOf = (kind: Kind): string => (kind > Kind.Page ? "traits" : "properties");

/** An event, of what the core is told. */
export function seen({ kind, name, json, at }: Told): Event {
  const event: Event = { type: TYPES[kind]!, [NAMED[kind]!]: name, timestamp: at };
  if (kind === Kind.Alias) event.previous_id = json;
  else if (json) event[bagOf(kind)] = JSON.parse(json);
  return event;
}

/** Shows each event to the page's own hook, which may change it. False where it is not to be queued. */
export function edits({ beforeSend }: Options, reports: Reports): (told: Told) => boolean {
  return (told) => {
    if (!beforeSend) return true;
    const { kind } = told;
    try {
      const after = beforeSend(seen(told));
      if (after && typeof after === "object") {
        const json = kind === Kind.Alias ? after.previous_id : JSON.stringify(after[bagOf(kind)]);
        Object.assign(told, { name: after[NAMED[kind]!] ?? "", json: json ?? "" });
        return true;
      }
      reports.refused(told, "beforeSend dropped it");
    } catch (error) {
      // What it was to take out is not known.
      reports.refused(told, `beforeSend threw: ${error}`);
    }
    return false;
  };
}
