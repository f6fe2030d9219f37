/**
 * What outlives the page: ids shared by all tabs in `localStorage`, the tab's own count in `sessionStorage`.
 * Either may be forbidden, full or taken away at any time; the tracker then works from memory.
 */
import type { Guard } from "./guard.js";

/** The core's slots, in its order. */
const SLOTS = ["anonymous_id", "session", "seq"];
const SEQ = 2;

/** Merely naming a forbidden storage throws, and it may be forbidden later. */
function use<Value>(slot: number, act: (area: Storage) => Value): Value | undefined {
  try {
    return act(slot === SEQ ? sessionStorage : localStorage);
  } catch {
    return undefined;
  }
}

export interface Store {
  /** Tells what is stored, and later what other tabs store. */
  load(guard: Guard, remembered: (slot: number, value: string) => void): void;
  remember(slot: number, value: string): void;
  /** Removes all. */
  forget(): void;
}

export function store(writeKey: string): Store {
  const name = (slot: number): string => `footfall:${writeKey}:${SLOTS[slot]}`;
  return {
    load(guard, remembered) {
      for (const slot of SLOTS.keys()) {
        const value = use(slot, (area) => area.getItem(name(slot)));
        if (value) remembered(slot, value);
      }
      guard.listen<StorageEvent>(window, "storage", ({ key, newValue }) => {
        const slot = SLOTS.findIndex((_, slot) => slot !== SEQ && name(slot) === key);
        if (slot >= 0 && newValue) remembered(slot, newValue);
      });
    },
    remember: (slot, value) => use(slot, (area) => area.setItem(name(slot), value)),
    forget() {
      for (const slot of SLOTS.keys()) use(slot, (area) => area.removeItem(name(slot)));
    },
  };
}
