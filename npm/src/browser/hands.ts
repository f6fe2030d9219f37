/** Carries out what the core wants: sends, keeps, remembers, and passes on what became of events. */
import type { Reports } from "../extras/reports.js";
import type { Checked } from "../options.js";
import type { State } from "../types.js";
import { sendBeacon } from "./beacon.js";
import { Done, What, type Hands as Act } from "./core.js";
import { post, type Answer } from "./fetch.js";
import type { Told } from "./extras.js";
import type { Guard } from "./guard.js";
import type { Store } from "./storage.js";

const COUNTS = "queued unconfirmed sent refused dropped".split(" ");

export interface Hands {
  act: Act;
  /** A slot has that value from an earlier page. */
  recall(slot: number, value: string): void;
  state(): State;
}

/** `subject` is the event that the core is being told of, `answered` tells the core. */
export function makeHands(
  guard: Guard,
  { key, endpoint }: Checked,
  stored: Store,
  reports: Reports | undefined,
  subject: () => Told,
  answered: (text: string) => void,
): Hands {
  const url = `${endpoint}/v1/events?key=${encodeURIComponent(key)}&priority=`;
  let counts = "";
  /** The values of the slots. */
  const slots: string[] = [];

  const hear = (handle: number, body: string, answer: Answer): void => {
    reports?.answered(body, answer);
    const { status, retryAfterMs, events, receipts } = answer;
    // Where single events are to come again, the batch does: the server stores what it does not have.
    const told = status === 200 && events.some((event) => event?.status === "retry") ? 503 : status;
    const lines = receipts.map((receipt) => `\n${receipt?.batch_id} ${`${receipt?.status}`[0]}`);
    answered(`${handle} ${told} ${retryAfterMs}${lines.join("")}`);
  };

  return {
    act(what, number, text) {
      const to = url + (what === What.FetchKey || what === What.BeaconKey ? "key" : "normal");
      if (what < What.Refused) {
        slots[what] = text;
        stored.remember(what, text);
      } else if (what === What.Refused) reports?.refused(subject(), text);
      else if (what === What.Lost) reports?.lost(text);
      else if (what === What.State) counts = text;
      else if (what < What.Beacon) void post(to, text).then(guard.wrap((answer) => hear(number, text, answer)));
      else if (what < What.Keep) return sendBeacon(to, text);
      else if (what === What.Keep) return stored.keep(text, number);
      else if (what === What.ForgetAll) {
        stored.forgetAll();
        slots.length = 0;
      } else {
        if (what === What.Confirmed) reports?.confirmed(stored.batch(text)?.split("\n").slice(3) ?? []);
        stored.forget(text);
      }
      return Done.Yes;
    },
    recall: (slot, value) => void (slots[slot] = value),
    state() {
      const numbers = counts.split(" ");
      const [anonymousId, session, userId] = slots.map((value) => value || undefined);
      const counted = Object.fromEntries(COUNTS.map((name, place) => [name, +numbers[place]!]));
      return { anonymousId, sessionId: session?.split(" ", 1)[0], userId, ...counted } as unknown as State;
    },
  };
}
