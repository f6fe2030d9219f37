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

/** Those of the running trackers, by their numbers; the number of a stopped one is given to the next. */
const hands: (Hands | undefined)[] = [];

/** A tracker in the module. */
export interface Core {
  /** Tells it something; returns when to call again at the latest, on `performance.now()`, or 0. */
  tell(what: number, text: string, at: number): number;
  /** Gives its place to the next one. */
  leave(): void;
}

export function makeCore(its: Hands, flushInterval: number, flushCount: number, isPrivate: boolean): Core {
  const [seed, more] = crypto.getRandomValues(new Uint32Array(2));
  const free = hands.indexOf(undefined);
  const tracker = free < 0 ? hands.length : free;
  hands[tracker] = its;
  start(tracker, flushInterval, flushCount, isPrivate, seed!, more!);
  return {
    tell: (what, text, at) => tell(tracker, what, text, at, Date.now(), performance.now()),
    leave: () => (hands[tracker] = undefined),
  };
}

// The module imports these two.

export function send(tracker: number, handle: number, how: number, body: string): boolean {
  return hands[tracker]!.send(handle, (how & 1) > 0, how > 1, body);
}

export function hear(tracker: number, what: number, text: string): void {
  hands[tracker]!.hear(what, text);
}
