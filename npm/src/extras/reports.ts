/** What became of events, for the hooks of the page and, in debug, for its console in words. */
import { warn } from "../console.js";
import type { Told } from "../browser/extras.js";
import type { Answer } from "../browser/fetch.js";
import type { Event, Options } from "../types.js";
import { seen } from "./events.js";

/** Refusals after which a batch goes again; all other 4xx are final. */
const AGAIN = new Set([408, 413, 425, 429]);

export interface Reports {
  /** What a server said to a batch. */
  answered(body: string, answer: Answer): void;
  /** An event was refused by the checks, or dropped by the page's own hook. */
  refused(told: Told, reason: string): void;
  /** An event, the members of its JSON, was dropped at the bound. */
  lost(members: string): void;
  /** The server has confirmed a batch that left without an answer; these are the members of its events. */
  confirmed(events: string[]): void;
}

export function reports({ onSent, onDropped, debug }: Options): Reports {
  const say = (words: string): void => {
    if (debug) warn(words);
  };
  /** A hook that throws harms nothing. */
  const tell = (hook: ((event: Event, words: string) => void) | undefined, event: Event, words: string): void => {
    try {
      hook?.(event, words);
    } catch (error) {
      say(`a hook of the page threw: ${error}`);
    }
  };
  return {
    answered(body, { status, events: results, reason }) {
      const events = results.filter((result) => result);
      for (const event of events) say(`event ${event.event_id} is ${event.status}: ${event.reason}`);
      if (!status) say("the server cannot be reached; the batch is kept and sent again");
      else if (status !== 200) say(`the server answered ${status}: ${reason}`);
      const isRefused = status >= 400 && status < 500 && !AGAIN.has(status);
      // Where some are to come again, all do, and are told then.
      if ((!isRefused && status !== 200) || events.some((event) => event.status === "retry")) return;
      for (const [index, event] of (JSON.parse(body) as { events: Event[] }).events.entries()) {
        const result = events.find((result) => result.index === index);
        const became = result?.status ?? "accepted";
        if (isRefused || /^(invalid|dropped)$/.test(became)) tell(onDropped, event, `${result?.reason ?? reason}`);
        else tell(onSent, event, became);
      }
    },
    refused(told, reason) {
      say(`${told.name || "the event"} was refused: ${reason}`);
      if (onDropped) tell(onDropped, seen(told), reason);
    },
    lost(members) {
      say("there is no more room; an event was dropped");
      tell(onDropped, eventOf(members), "there was no room");
    },
    confirmed(events) {
      for (const event of events) tell(onSent, eventOf(event), "stored");
    },
  };
}

function eventOf(members: string): Event {
  return JSON.parse(`{${members}}`) as Event;
}
