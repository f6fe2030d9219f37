// Chromium's trace of a page, with the processor time of each thing that its threads did: time in which a thread waited
// for a processor, or for a disk, does not count.
import { sum } from "./figures.mjs";

const CATEGORIES = ["toplevel", "devtools.timeline", "v8", "v8.wasm", "blink.user_timing"];

/** Where script of a page begins; what is inside of one of these is counted with it. */
const SCRIPT =
  /^(EvaluateScript|v8\.(compile|run|evaluateModule|callFunction).*|FunctionCall|TimerFire|Fire(Idle|Animation).*|EventDispatch|XHR.*|BlinkScheduler_PerformMicrotaskCheckpoint|wasm\..*|.*GC.*)$/;
/** What is done for scripts on other threads: parsing, compiling, collecting garbage. */
const OFF_THREAD = /^(v8\.parseOnBackground|v8\.compile.*|wasm\..*|V8\.(Background|GC|Compile|Finalize|Optimize).*|.*GC.*)$/;

/** Records a trace; the function that it returns ends it and returns the renderer's part. */
export async function record(cdp) {
  const events = [];
  const take = ({ value }) => events.push(...value);
  cdp.on("Tracing.dataCollected", take);
  const traceConfig = {
    recordMode: "recordUntilFull",
    traceBufferSizeInKb: 200_000,
    includedCategories: CATEGORIES,
    excludedCategories: ["*"],
  };
  await cdp.send("Tracing.start", { transferMode: "ReportEvents", traceConfig });
  return async () => {
    const complete = new Promise((resolve) => {
      cdp.once("Tracing.tracingComplete", resolve);
    });
    await cdp.send("Tracing.end");
    await complete;
    cdp.off("Tracing.dataCollected", take);
    return new Trace(events);
  };
}

class Trace {
  #main;
  #others;
  #marks;

  constructor(events) {
    this.#marks = events.filter(({ cat, name }) => cat === "blink.user_timing" && name.startsWith("bench:"));
    const begin = this.#mark("bench:begin");
    const threads = new Map([[begin.tid, []]]);
    for (const event of events) {
      if (event.pid !== begin.pid || event.ph !== "X" || event.ts < begin.ts) continue;
      if (!threads.has(event.tid)) threads.set(event.tid, []);
      threads.get(event.tid).push(event);
    }
    this.#main = threads.get(begin.tid);
    threads.delete(begin.tid);
    this.#others = [...threads.values()];
  }

  #mark(name) {
    const found = this.#marks.find((mark) => mark.name === name);
    if (!found) throw new Error(`the trace has no ${name}`);
    return found;
  }

  /** Milliseconds of the main thread's processor time from `bench:begin` to a mark: all of it. */
  all(until) {
    return (this.#mark(until).tts - this.#mark("bench:begin").tts) / 1_000;
  }

  /** The same, script only. */
  script(until) {
    const end = this.#mark(until);
    return sumOf(outermost(this.#main, SCRIPT), end);
  }

  /** Milliseconds of processor time that other threads spent on scripts. */
  offThread() {
    return sum(this.#others.map((events) => sumOf(outermost(events, OFF_THREAD))));
  }

  /** The events of these types that were dispatched to the page, each with its milliseconds, listeners included. */
  dispatched(types) {
    return this.#main
      .filter(({ name, args }) => name === "EventDispatch" && types.includes(args.data?.type))
      .map(({ args, tdur }) => ({ type: args.data.type, ms: tdur / 1_000 }));
  }
}

/** Events of these names that are in no other one of them. */
function outermost(events, names) {
  const chosen = events.filter(({ name }) => names.test(name));
  let end = 0;
  return chosen
    .toSorted((one, other) => one.ts - other.ts || other.dur - one.dur)
    .filter(({ ts, dur }) => {
      if (ts < end) return false;
      end = ts + dur;
      return true;
    });
}

function sumOf(events, end) {
  let micros = 0;
  for (const { ts, dur, tts, tdur = 0 } of events) {
    if (!end || ts + dur <= end.ts) micros += tdur;
    else if (ts < end.ts) micros += Math.max(0, end.tts - tts);
  }
  return micros / 1_000;
}
