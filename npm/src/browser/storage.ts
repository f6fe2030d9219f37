/**
 * What outlives the page: ids shared by all tabs and batches that are not confirmed in `localStorage`, the tab's own
 * count in `sessionStorage`. Either may be forbidden, full or taken away at any time; the tracker then works from memory.
 */
import { attempt } from "../attempt.js";
import { Done } from "./core.js";
import type { Guard } from "./guard.js";

/** The core's slots, in its order, the visitor's choice, and what the server says. */
const SLOTS = ["anonymous_id", "session", "user", "group", "dropped", "seq", "consent", "config"];
/** Storage is open to the whole page: what comes from there is a value only if it looks like one. */
const ID = "[\\w-]{8,64}";
const VALUES = [ID, `${ID}( \\d{1,15}){3}`, ".{1,256}", ".{1,256}", "\\d+", "\\d+", "{.+", "{.*"];
/** Of this tab alone. */
const SEQ = 5;
export const CONSENT = 6;
export const CONFIG = 7;
/** A kept batch: from when on it is free, whose it is, and its lines, the first of which is its id. */
const BATCH = /^(\d{1,15}) (\S+)\n([\w.-]+\n[^]*)/;
/** Who took a batch over sends it within this time. */
const LEASE_MS = 15_000;
/** No batch is taken for longer; where the clock was set back, one may seem to be. */
const LONGEST_MS = 86_400_000;

export interface Store {
  /** Tells what earlier pages left in the slots, and later what other tabs store there; nothing where it is no value. */
  load(guard: Guard, recalled: (slot: number, value: string) => void): void;
  remember(slot: number, value: string): void;
  /** Keeps a batch until that time. */
  keep(text: string, freeAt: number): Done;
  /** The lines of a kept batch. */
  batch(id: string): string | undefined;
  forget(id: string): void;
  /** Takes over the batches of pages that are gone; returns when the next one is free, or Infinity. */
  claim(adopt: (lines: string) => void): number;
  /** Removes all but the visitor's choice. */
  forgetAll(): void;
}

// Merely naming a forbidden storage throws, and it may be forbidden later.
const area = (slot: number): Storage => (slot === SEQ ? sessionStorage : localStorage);
const owner = (key: string): string | undefined => BATCH.exec(localStorage.getItem(key)!)?.[2];

/** What the loader kept is what it sent; as lines of a batch (`batch.rs`) of which nobody knows whether it arrived. */
const early = (text: string): string | undefined =>
  attempt(() => {
    const { batch_id, context, events } = JSON.parse(text) as { batch_id: string; context: object; events: object[] };
    return [batch_id, "0100", ...[context, ...events].map((value) => JSON.stringify(value).slice(1, -1))].join("\n");
  });

const keys = (slot: number, start: string): string[] => Object.keys(area(slot)).filter((key) => key.startsWith(start)).sort();
const isValue = (slot: number, value?: string | null): boolean => !!value && RegExp(`^${VALUES[slot]}$`).test(value);

/**
 * The store of one tracker; `most` is how many characters all kept batches may have together. Where it is not used, only
 * the visitor's choice is kept.
 */
export function store(writeKey: string, most: number, isUsed: boolean): Store {
  const prefix = `footfall:${writeKey}:`;
  // `toFixed`, since V8 keeps a cache of 47 KiB for whoever writes out large numbers or fractions in another way.
  const me = Math.random().toFixed(9);
  const record = (freeAt: number, lines: string): string => `${freeAt.toFixed()} ${me}\n${lines}`;
  /** Batches that this page has kept, and not seen taken. */
  const mine = new Set<string>();
  const name = (slot: number): string => prefix + SLOTS[slot]!;
  const batchKey = (id: string): string => `${prefix}batch:${id}`;
  const use = <Value>(act: () => Value): Value | undefined => (isUsed ? attempt(act) : undefined);
  return {
    load(guard, recalled) {
      for (const slot of SLOTS.keys()) {
        const value = isUsed || slot === CONSENT ? attempt(() => area(slot).getItem(name(slot))) : "";
        if (isValue(slot, value)) recalled(slot, value!);
      }
      guard.listen<StorageEvent>(window, "storage", ({ key, newValue }) => {
        const slot = SLOTS.findIndex((_, slot) => key === name(slot));
        // An id that is gone is none here, too: the visitor was forgotten in another tab.
        if ((isUsed || slot === CONSENT) && slot >= 0 && slot !== SEQ && (isValue(slot, newValue) || (!newValue && slot < 4))) {
          recalled(slot, newValue ?? "");
        }
      });
    },
    remember(slot, value) {
      if (!isUsed && slot !== CONSENT) return;
      attempt(() => {
        if (value) area(slot).setItem(name(slot), value);
        else area(slot).removeItem(name(slot));
      });
    },
    keep: (text, freeAt) =>
      use(() => {
        const key = batchKey(text.split("\n", 1)[0]!);
        if (mine.has(key) && owner(key) !== me) {
          mine.delete(key);
          return Done.Taken;
        }
        mine.delete(key);
        const others = keys(0, batchKey("")).filter((other) => other !== key);
        const bytes = others.reduce((sum, other) => sum + localStorage.getItem(other)!.length, text.length);
        const isKept = attempt(() => {
          if (bytes <= most) localStorage.setItem(key, record(freeAt, text));
          return bytes <= most;
        });
        if (isKept) mine.add(key);
        // What stays behind must not be less than what is sent under the same id.
        else localStorage.removeItem(key);
        return isKept ? Done.Yes : Done.No;
      }) ?? Done.No,
    batch: (id) => attempt(() => BATCH.exec(localStorage.getItem(batchKey(id))!)?.[3]),
    forget(id) {
      mine.delete(batchKey(id));
      use(() => localStorage.removeItem(batchKey(id)));
    },
    claim: (adopt) =>
      use(() => {
        const now = Date.now();
        let next = Infinity;
        // Oldest first: ids sort by time.
        for (const key of keys(0, batchKey(""))) {
          const text = localStorage.getItem(key)!;
          const [, freeAt = 0, whose, lines = early(text)] = BATCH.exec(text) ?? [];
          if (!lines) localStorage.removeItem(key);
          else if (whose === me) continue;
          else if (+freeAt > now && +freeAt < now + LONGEST_MS) next = Math.min(next, +freeAt);
          else {
            localStorage.setItem(key, record(now + LEASE_MS, lines));
            mine.add(key);
            adopt(lines);
          }
        }
        return next;
      }) ?? Infinity,
    forgetAll() {
      mine.clear();
      for (const slot of [0, SEQ]) {
        attempt(() => {
          for (const key of keys(slot, prefix)) if (key !== name(CONSENT)) area(slot).removeItem(key);
        });
      }
    },
  };
}
