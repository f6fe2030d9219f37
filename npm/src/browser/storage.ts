/**
 * What outlives the page: ids shared by all tabs and batches that are not confirmed in `localStorage`, the tab's own
 * count in `sessionStorage`. Either may be forbidden, full or taken away at any time; the tracker then works from memory.
 */
import type { Cookies } from "../extras/cookies.js";
import { Done } from "./core.js";
import type { Guard } from "./guard.js";

/**
 * The core's slots, in its order. Storage is open to the whole page: what comes from there is a value only if it looks
 * like one.
 */
const SLOTS: readonly [name: string, value: RegExp][] = [
  ["anonymous_id", /^[\w-]{8,64}$/],
  ["session", /^[\w-]{8,64}( \d{1,15}){3}$/],
  ["user", /^[^\n]{1,256}$/],
  ["group", /^[^\n]{1,256}$/],
  ["dropped", /^\d{1,15}$/],
  ["seq", /^\d{1,15}$/],
];
const SEQ = 5;
/** The slots that a cookie may hold. */
const VISITOR = 2;
/** A kept batch: from when on it is free, whose it is, and its lines, the first of which is its id. */
const BATCH = /^(\d{1,15}) (\S+)\n([\w-]+\n[^]*)/;
/** Who took a batch over sends it within this time. */
const LEASE_MS = 15_000;
/** No batch is taken for longer; where the clock was set back, one may seem to be. */
const LONGEST_MS = 86_400_000;

export interface Store {
  /** Tells what earlier pages left in the slots, and later what other tabs store there. */
  load(guard: Guard, recalled: (slot: number, value: string) => void): void;
  remember(slot: number, value: string): void;
  /** Keeps a batch until that time. */
  keep(text: string, freeAt: number): Done;
  /** The lines of a kept batch. */
  batch(id: string): string | undefined;
  forget(id: string): void;
  /** Takes over the batches of pages that are gone; returns when the next one is free, or Infinity. */
  claim(adopt: (lines: string) => void): number;
  /** A value of another kind: the visitor's choice, the settings of the server. */
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  /** Removes all but the visitor's choice. */
  forgetAll(): void;
}

/** Merely naming a forbidden storage throws, and it may be forbidden later. */
function attempt<Value>(act: () => Value): Value | null {
  try {
    return act();
  } catch {
    return null;
  }
}

const area = (slot: number): Storage => (slot === SEQ ? sessionStorage : localStorage);
const owner = (value: string | null): string | undefined => BATCH.exec(value ?? "")?.[2];

/** The store of one tracker; `most` is how many characters all kept batches may have together. The visitor's ids may be in a cookie. */
export function store(writeKey: string, most: number, isUsed: boolean, cookie?: Cookies): Store {
  const prefix = `footfall:${writeKey}:`;
  const me = `${performance.timeOrigin}${Math.random()}`;
  /** Batches that this page has kept, and not seen taken. */
  const mine = new Set<string>();
  const name = (slot: number): string => prefix + SLOTS[slot]![0];
  const batches = (): string[] => Object.keys(localStorage).filter((key) => key.startsWith(`${prefix}batch:`));
  const use = <Value>(act: () => Value): Value | null => (isUsed ? attempt(act) : null);
  return {
    load(guard, recalled) {
      const read = (slot: number, value: string | null | undefined): void => {
        if (SLOTS[slot]![1].test(value ?? "")) recalled(slot, value!);
      };
      for (const slot of SLOTS.keys()) {
        read(slot, use(() => (cookie && slot < VISITOR ? cookie.get(name(slot)) : area(slot).getItem(name(slot)))));
      }
      if (isUsed) {
        guard.listen<StorageEvent>(window, "storage", ({ key, newValue }) => {
          for (const slot of [0, 1, 2, 3]) if (key === name(slot)) read(slot, newValue);
        });
      }
    },
    remember(slot, value) {
      use(() => {
        if (cookie && slot < VISITOR) cookie.set(name(slot), value);
        else if (value) area(slot).setItem(name(slot), value);
        else area(slot).removeItem(name(slot));
      });
    },
    keep: (text, freeAt) =>
      use(() => {
        const key = `${prefix}batch:${text.split("\n", 1)[0]}`;
        if (mine.has(key) && owner(localStorage.getItem(key)) !== me) {
          mine.delete(key);
          return Done.Taken;
        }
        let bytes = text.length;
        for (const other of batches()) if (other !== key) bytes += localStorage.getItem(other)?.length ?? 0;
        if (bytes <= most && attempt(() => localStorage.setItem(key, `${freeAt} ${me}\n${text}`)) !== null) {
          mine.add(key);
          return Done.Yes;
        }
        // What stays behind must not be less than what is sent under the same id.
        mine.delete(key);
        localStorage.removeItem(key);
        return Done.No;
      }) ?? Done.No,
    batch: (id) => use(() => BATCH.exec(localStorage.getItem(`${prefix}batch:${id}`) ?? "")?.[3]) ?? undefined,
    forget(id) {
      const key = `${prefix}batch:${id}`;
      mine.delete(key);
      use(() => localStorage.removeItem(key));
    },
    claim: (adopt) =>
      use(() => {
        const now = Date.now();
        let next = Infinity;
        // Oldest first: ids sort by time.
        for (const key of batches().sort()) {
          const [, freeAt = 0, whose, lines] = BATCH.exec(localStorage.getItem(key) ?? "") ?? [];
          if (!lines) localStorage.removeItem(key);
          else if (whose === me) continue;
          else if (+freeAt > now && +freeAt < now + LONGEST_MS) next = Math.min(next, +freeAt);
          else {
            localStorage.setItem(key, `${now + LEASE_MS} ${me}\n${lines}`);
            mine.add(key);
            adopt(lines);
          }
        }
        return next;
      }) ?? Infinity,
    get: (what) => use(() => localStorage.getItem(prefix + what)) ?? undefined,
    set: (what, value) => use(() => localStorage.setItem(prefix + what, value)),
    forgetAll() {
      mine.clear();
      for (const slot of [0, 1]) cookie?.set(name(slot), "");
      for (const slot of [SEQ, 0]) {
        attempt(() => {
          for (const key of Object.keys(area(slot))) {
            if (key.startsWith(prefix) && key !== `${prefix}consent`) area(slot).removeItem(key);
          }
        });
      }
    },
  };
}
