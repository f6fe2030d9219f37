/** What passes between the trackers of a page and the core in the module; `sdk-wasm/src/api.rs` has the same lists. */
import { open, start, tell } from "./door.js";

/** What the core can be told; `api.rs` has the same list. */
export const enum Tell {
  /** Plus what `record` adds. */
  Record,
  StartPage,
  SetUser,
  SetDevice,
  SetCampaign,
  SetConsent,
  Reset,
  Adopt,
  /** This and the five after it: what is remembered in the slots. */
  Recall,
  Flush = 14,
  Hide,
  Leave,
  Resume,
  State,
  Answered,
  Keep,
  Wake = 31,
}

/** Kinds of events, in the core's order. */
export const enum Kind {
  Track,
  Page,
  Identify = 3,
  Group,
  Alias,
}

/** What `Tell` is for an event. */
export const record = (kind: Kind, isKey: boolean, category: number): number =>
  Tell.Record | ((kind | (isKey ? 8 : 0) | (category << 4)) << 5);

/** What the core wants done besides remembering the values of slots, which are 0 to 5; `command.rs` has the same list. */
export const enum What {
  Refused = 6,
  Lost,
  State,
  Fetch,
  FetchKey,
  Beacon,
  BeaconKey,
  Keep,
  Forget,
  Confirmed,
  ForgetAll,
}

/** What became of it. */
export const enum Done {
  No,
  Yes,
  Taken,
}

/** Carries out what a tracker in the module wants. */
export type Hands = (what: number, number: number, text: string) => Done | boolean;

/** Those of the running trackers, by their numbers; the number of a stopped one is given to the next. */
const hands: (Hands | undefined)[] = [];

/** A tracker in the module. */
export interface Core {
  /** Tells it something; returns when to call again at the latest, on `performance.now()`, or 0. */
  tell(what: number, text: string, at: number): number;
  /** Gives back all that it holds, and its place to the next one. */
  leave(): void;
}

export function makeCore(its: Hands, flushInterval: number, flushCount: number, bytes: number, isPrivate: boolean, keeps: boolean): Core {
  const free = hands.indexOf(undefined);
  const tracker = free < 0 ? hands.length : free;
  const begin = (): void => {
    // Ids are to be different, not secret.
    start(tracker, flushInterval, flushCount, bytes, +isPrivate + 2 * +keeps, ...[0, 0].map(() => Math.random() * 2 ** 32));
  };
  hands[tracker] = its;
  begin();
  return {
    tell: (what, text, at) => tell(tracker, what, text, at, Date.now(), performance.now()),
    leave() {
      // One that holds nothing.
      begin();
      hands[tracker] = undefined;
    },
  };
}

/** Loads the module at `url`. */
export const openCore = (url: string | URL): Promise<void> =>
  open(url, (tracker, what, number, text) => +hands[tracker]!(what, number, text));
