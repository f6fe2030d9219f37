/**
 * What outlives the page: ids shared by all tabs in `localStorage`, the tab's own count in `sessionStorage`.
 * Either may be forbidden, full or taken away at any time; the tracker then works from memory.
 */
import type { Guard } from "./guard.js";

/**
 * The core's slots, in its order. Storage is open to the whole page: what comes from there is a value only if it looks
 * like one, an id, a number, or both.
 */
const SLOTS: readonly [name: string, value: RegExp][] = [
  ["anonymous_id", /^([\w-]{8,64})$/],
  ["session", /^([\w-]{8,64}) (\d{1,15})$/],
  ["seq", /^()(\d{1,15})$/],
];
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
  /** Tells what earlier pages left, and later what other tabs store: the slot, its id, and the number beside it. */
  load(guard: Guard, remembered: (slot: number, id: string, number: number) => void): void;
  remember(slot: number, value: string): void;
  /** Removes all. */
  forget(): void;
}

export function store(writeKey: string): Store {
  const name = (slot: number): string => `footfall:${writeKey}:${SLOTS[slot]![0]}`;
  return {
    load(guard, remembered) {
      const read = (slot: number, value: string | null | undefined): void => {
        const [found, id = "", number = 0] = SLOTS[slot]![1].exec(value ?? "") ?? [];
        if (found) remembered(slot, id, +number);
      };
      for (const slot of SLOTS.keys()) read(slot, use(slot, (area) => area.getItem(name(slot))));
      guard.listen<StorageEvent>(window, "storage", ({ key, newValue }) => {
        for (const slot of [0, 1]) if (key === name(slot)) read(slot, newValue);
      });
    },
    remember: (slot, value) => use(slot, (area) => area.setItem(name(slot), value)),
    forget() {
      for (const slot of SLOTS.keys()) use(slot, (area) => area.removeItem(name(slot)));
    },
  };
}
