/** Timed events: `startTimer("checkout")`, and later `stopTimer("checkout")`, which records it with its duration. */
import type { Tools } from "../browser/extras.js";

/** The most that run at once. */
const TIMERS = 100;

type Call = (at: number, name: unknown, json?: string) => void;

export function timers({ record, say }: Tools): { [method: string]: Call } {
  const since = new Map<unknown, number>();
  return {
    startTimer(at, name) {
      if (since.size < TIMERS) since.set(name, at);
      else say(`there are ${TIMERS} timers already; ${String(name)} is not started`);
    },
    stopTimer(at, name, json = "{}") {
      const start = since.get(name);
      if (start === undefined) say(`${String(name)} was not started`);
      else record(String(name), { ...(JSON.parse(json) as object), duration_ms: at - start }, at);
      since.delete(name);
    },
  };
}
