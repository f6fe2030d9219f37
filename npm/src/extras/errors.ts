/**
 * Errors that nobody caught and rejections that nobody handled, as many as help and no more. The page's own handling
 * of them stays as it is.
 */
import type { Tools } from "../browser/extras.js";
import { told } from "./address.js";

/** At most so many are told in a minute, and in a view of the page. */
const A_MINUTE = 10;
const A_VIEW = 50;
const MINUTE_MS = 60_000;
/** How much is looked at, and told, of a message and of a stack. */
const READ = 10_000;
const MESSAGE = 500;
const STACK = 2_048;
const FRAMES = 10;

/** A line of a stack: `at f (url:1:2)`, or `f@url:1:2`. */
const FRAME = /^\s*at |^[^\s@]*@\S/;
const PLACE = /(\w+:\/\/[^\s()@]+?):(\d+):(\d+)\)?$/;
/** What is ours by its name; in a site's own bundle only the guard keeps our errors in. */
const OURS = /\/footfall(-extras)?(-[0-9a-f]{12})?\.(js|wasm)\b/;
/** An address within a text: who asks and what for is cut out, line and column stay. */
const ADDRESS = /\b(\w+:\/\/)(?:[^\s/@]*@)?([^\s?#"'<>()]*)(?:[?#][^\s"'<>()]*?)?((?::\d+){0,2})(?=[\s"'<>()]|$)/g;

/** What a page throws may be anything, and reading it may throw again. */
function text(read: () => unknown): string {
  try {
    return `${read() ?? ""}`.slice(0, READ);
  } catch {
    return "";
  }
}

export function captureErrors({ guard, record, target, masked, hiding, viewing }: Tools): void {
  /** Those that were told in this view of the page, and how often they came again. */
  const known = new Map<string, { properties: object; repeated: number }>();
  const times: number[] = [];
  let count = 0;

  const mayTell = (): boolean => {
    const now = performance.now();
    while (now - times[0]! > MINUTE_MS) times.shift();
    if (times.length === A_MINUTE || count === A_VIEW) return false;
    count++;
    times.push(now);
    return true;
  };
  const scrub = (words: string): string => masked(words.replace(ADDRESS, "$1$2$3"));
  const hear = (kind: string, thrown: unknown, event: Partial<ErrorEvent>): void => {
    const { filename, lineno, colno } = event;
    const name = text(() => (thrown as Error).name);
    const message = text(() => (thrown as Error)?.message ?? thrown) || (event.message ?? "");
    const key = [kind, name, message, filename, lineno, colno].join();
    const same = known.get(key);
    if (same) {
      same.repeated++;
      return;
    }
    const frames = text(() => (thrown as Error).stack).split("\n").filter((line) => FRAME.test(line));
    if ([filename || frames[0] || "", ...frames].every((frame) => OURS.test(frame))) return;
    if (!mayTell()) return;
    const [, source = filename, line = lineno, column = colno] = (!filename && PLACE.exec(frames[0] ?? "")) || [];
    const properties = {
      kind,
      name: name.slice(0, 64) || undefined,
      message: scrub(message).slice(0, MESSAGE),
      stack: scrub(frames.slice(0, FRAMES).join("\n")).slice(0, STACK) || undefined,
      source: told(source, { target }),
      line: +line! || undefined,
      column: +column! || undefined,
      // Scripts from elsewhere without CORS: the browser tells nothing more.
      cross_origin: (message === "Script error." && !filename) || undefined,
    };
    known.set(key, { properties, repeated: 0 });
    record("error", properties);
  };
  const tellRepeated = (): void => {
    for (const seen of known.values()) {
      if (!seen.repeated || !mayTell()) continue;
      record("error", { ...seen.properties, repeated: seen.repeated });
      seen.repeated = 0;
    }
  };

  // Pictures and scripts that cannot be loaded come here too, without a message.
  guard.listen<ErrorEvent>(window, "error", (event) => event.message && hear("error", event.error, event));
  guard.listen<PromiseRejectionEvent>(window, "unhandledrejection", ({ reason }) => {
    hear("rejection", reason, { message: text(() => String(reason)) });
  });
  hiding.push(tellRepeated);
  viewing.push(() => {
    tellRepeated();
    known.clear();
    count = 0;
  });
}
