/**
 * Carries out what the core wants: sends, keeps, remembers, and tells the page's hooks and console what became of events.
 */
import type { Checked } from "../options.js";
import type { Event } from "../types.js";
import { sendBeacon } from "./beacon.js";
import { Done, What, type Hands as Act } from "./core.js";
import { hurry, post, type Answer } from "./fetch.js";
import type { Guard } from "./guard.js";
import type { Store } from "./storage.js";

const COUNTS = ["queued", "unconfirmed", "sent", "refused", "dropped"];
/** Refusals after which a batch goes again; all other 4xx are final. */
const AGAIN = new Set([408, 413, 425, 429]);

export interface Hands {
  act: Act;
  /** Names the event that is told next. */
  subject(name: string, seen: () => Event): void;
  /** An event will never be stored. */
  dropped(seen: () => Event, reason: string): void;
  /** Runs a function of the page's; one that throws harms nothing. */
  hook<Args extends unknown[], Result>(hook: (...args: Args) => Result, ...args: Args): Result | undefined;
  /** A slot has that value from an earlier page. */
  recall(slot: number, value: string): void;
  state(): object;
  hurry(): void;
}

export function makeHands(
  guard: Guard,
  { key, endpoint, onSent, onDropped }: Checked,
  stored: Store,
  say: (words: string) => void,
  answered: (text: string) => void,
): Hands {
  const url = `${endpoint}/v1/events?key=${encodeURIComponent(key)}&priority=`;
  let subject = "";
  let seen: () => Event;
  let counts = "";
  /** The values of the slots. */
  const slots: string[] = [];

  const hook: Hands["hook"] = (run, ...args) => {
    try {
      return run(...args);
    } catch (error) {
      say(`a hook of the page threw: ${error}`);
      return undefined;
    }
  };
  const dropped: Hands["dropped"] = (event, reason) => {
    if (onDropped) hook(onDropped, event(), reason);
  };

  const hear = (handle: number, body: string, { status, retryAfterMs, events, receipts, reason }: Answer): void => {
    for (const event of events) say(`event ${event.event_id} is ${event.status}: ${event.reason}`);
    if (!status) say("the server cannot be reached; the batch is kept and sent again");
    else if (status !== 200) say(`the server answered ${status}: ${reason}`);
    const again = events.some((event) => event.status === "retry");
    const isRefused = status >= 400 && status < 500 && !AGAIN.has(status);
    if ((onSent || onDropped) && (isRefused || status === 200) && !again) {
      for (const [index, event] of (JSON.parse(body) as { events: Event[] }).events.entries()) {
        const result = events.find((result) => result.index === index);
        const became = result?.status ?? "accepted";
        if (isRefused || /^(invalid|dropped)$/.test(became)) dropped(() => event, `${result?.reason ?? reason}`);
        else if (onSent) hook(onSent, event, became);
      }
    }
    // Where single events are to come again, the batch does: the server stores what it does not have.
    const told = again && status === 200 ? 503 : status;
    const lines = receipts.map(({ batch_id, status }) => `\n${batch_id} ${status[0]}`);
    answered(`${handle} ${told} ${retryAfterMs}${lines.join("")}`);
  };

  return {
    act(what, number, text) {
      switch (what) {
        case What.Refused:
          say(`${subject || "the event"} was refused: ${text}`);
          dropped(seen, text);
          break;
        case What.Lost:
          say(`there is no more room, an event was dropped: ${text}`);
          dropped(() => eventOf(text), "there was no room");
          break;
        case What.State:
          counts = text;
          break;
        case What.Beacon:
        case What.BeaconKey:
          return sendBeacon(url + (what === What.Beacon ? "normal" : "key"), text);
        case What.Fetch:
        case What.FetchKey:
          void post(url + (what === What.Fetch ? "normal" : "key"), text).then(guard.wrap((answer) => hear(number, text, answer)));
          break;
        case What.Keep:
          return stored.keep(text, number);
        case What.Confirmed:
          for (const event of stored.batch(text)?.split("\n").slice(3) ?? []) if (onSent) hook(onSent, eventOf(event), "stored");
          stored.forget(text);
          break;
        case What.Forget:
          stored.forget(text);
          break;
        case What.ForgetAll:
          stored.forgetAll();
          slots.length = 0;
          break;
        default:
          slots[what] = text;
          stored.remember(what, text);
      }
      return Done.Yes;
    },
    subject(name, event) {
      subject = name;
      seen = event;
    },
    dropped,
    hook,
    recall: (slot, value) => void (slots[slot] = value),
    state() {
      const numbers = counts.split(" ");
      const counted = Object.fromEntries(COUNTS.map((name, place) => [name, +numbers[place]!]));
      const [anonymousId, session, userId] = slots;
      return { anonymousId: anonymousId || undefined, sessionId: session?.split(" ", 1)[0] || undefined, userId: userId || undefined, ...counted };
    },
    hurry,
  };
}

/** An event, of the members of its JSON. */
function eventOf(members: string): Event {
  return JSON.parse(`{${members}}`) as Event;
}
