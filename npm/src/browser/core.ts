/** The other end of the module's door, `sdk-wasm/src/api.rs`: plain numbers and one text in each call. */
import { start, tell } from "footfall:glue";

/** What the core can be told; `api.rs` has the same list. */
export const enum Tell {
  Track,
  TrackKey,
  Identify,
  Page,
  StartPage,
  SetUser,
  SetDevice,
  /** This and the two after it: what is remembered in the slots. */
  Remembered,
  Flush = 10,
  Hide,
  Leave,
  Resume,
  State,
  Answered,
  Stop,
  Wake,
}

/** What the core tells besides the values of slots, which are 0 to 2. */
export const enum Told {
  Refused = 3,
  State,
}

/** Carries out what a tracker in the module wants. */
export interface Hands {
  /** Sends a batch. True where a beacon was taken; of a `fetch`, `ANSWERED` tells later. */
  send(handle: number, isBeacon: boolean, isKey: boolean, body: string): boolean;
  /** Hears the value of a slot to keep, why an event was refused, or the state as members of JSON. */
  hear(what: number, text: string): void;
}

/** Those of the running trackers, by their numbers; the module gives the number of a stopped one to the next. */
const hands: Hands[] = [];

/** Makes a tracker; what it returns tells it things, and returns when to call again (0: never), on `performance.now()`. */
export function makeCore(
  its: Hands,
  flushInterval: number,
  flushCount: number,
  isPrivate: boolean,
): (what: number, text: string, at: number) => number {
  const [seed, more] = crypto.getRandomValues(new Uint32Array(2));
  const tracker = start(flushInterval, flushCount, isPrivate, seed!, more!);
  hands[tracker] = its;
  return (what, text, at) => tell(tracker, what, text, at, Date.now(), performance.now());
}

// The module imports these two.

export function send(tracker: number, handle: number, how: number, body: string): boolean {
  return hands[tracker]!.send(handle, (how & 1) > 0, how > 1, body);
}

export function hear(tracker: number, what: number, text: string): void {
  hands[tracker]!.hear(what, text);
}
