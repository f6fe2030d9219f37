/**
 * A running tracker: the core in the module decides, these hands carry it out. Everything that the page tells, by
 * captures or by calls, comes through here.
 */
import { warn } from "../console.js";
import type { Run } from "../early.js";
import type { Checked } from "../options.js";
import { pathOf, place, scrubbed } from "./address.js";
import { sendBeacon } from "./beacon.js";
import { captureClicks, clicked } from "./clicks.js";
import { makeCore, Tell, Told, type Hands } from "./core.js";
import { asksForPrivacy, device } from "./device.js";
import { post } from "./fetch.js";
import { Guard } from "./guard.js";
import { makeLater } from "./later.js";
import { captureLeaving } from "./leave.js";
import { followLifecycle } from "./lifecycle.js";
import { masked } from "./masked.js";
import { capturePageViews } from "./page-views.js";
import { store } from "./storage.js";
import { captureViews } from "./views.js";

/** Records a captured event. */
export type Record = (name: string, properties: object, at?: number) => void;

/** Starts a tracker. `isViewed` is true where the view of this page has been told already. */
export function startTracker(options: Checked, isViewed: boolean, pageAt: number): Run {
  const { key, endpoint, userId, flushInterval = 5_000, flushCount = 50, keyEvents = [], capture, debug } = options;
  const guard = new Guard();
  const say = (words: string): void => {
    if (debug) warn(words);
  };
  const url = `${endpoint}/v1/events?key=${encodeURIComponent(key)}&priority=`;
  const stored = store(key);
  const isPrivate = asksForPrivacy();
  const addresses = { ...options, isPrivate };
  let subject = "";
  let state = "";
  /** The anonymous id and the session's. */
  const ids: (string | undefined)[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const hands: Hands = {
    send(handle, isBeacon, isKey, body) {
      const to = url + (isKey ? "key" : "normal");
      if (isBeacon) return sendBeacon(to, body);
      void post(to, body).then(({ status, retryAfterMs, retry, words }) => {
        words.forEach(say);
        tell(Tell.Answered, [handle, status, retryAfterMs, ...retry].join(" "));
      });
      return true;
    },
    hear(what, text) {
      if (what < Told.Refused) {
        stored.remember(what, text);
        ids[what] = text.split(" ", 1)[0];
      } else if (what === Told.Refused) say(`${subject} was refused: ${text}`);
      else state = text;
    },
  };
  const core = makeCore(hands, flushInterval, flushCount, isPrivate);
  const tell = guard.wrap((what: number, text?: string, at?: number) => {
    subject = text?.replace(/^.*\n/, "") || "the event";
    const wakeAt = core.tell(what, text ?? "", at ?? Date.now());
    clearTimeout(timer);
    timer = wakeAt ? setTimeout(tell, wakeAt - performance.now(), Tell.Wake) : undefined;
  });
  guard.whenOff(() => clearTimeout(timer));
  const track = (name: string, json: string, at?: number): void =>
    tell(keyEvents.includes(name) ? Tell.TrackKey : Tell.Track, `${json}\n${name}`, at);
  const record: Record = (name, properties, at) => track(name, JSON.stringify(properties), at);

  const waiting = makeLater(guard);
  let settleClicks: (() => void) | undefined;
  /** Tells all that waits for a later moment, before what must come after it. */
  const drain = (): void => {
    settleClicks?.();
    waiting.drain();
  };

  /** The address of the last page view as it was told, and as far as it is taken care of. */
  let told = "";
  let here = "";
  const isOther = (address: string, hasQuery: boolean): boolean =>
    place(address, hasQuery, addresses) !== place(location.href, hasQuery, addresses);
  const startPage = (): void => {
    // Within a single-page app the page before is the app's own last one.
    const referrer = scrubbed(told && isOther(told, true) ? told : document.referrer, addresses) || undefined;
    told = here = location.href;
    const path = pathOf(location, addresses);
    const title = masked(document.title).slice(0, 200) || undefined;
    tell(Tell.StartPage, JSON.stringify({ url: scrubbed(told, addresses), path, title, referrer }));
  };
  const viewPage = (json = "", at?: number, isBack?: boolean): void => {
    if (isViewed && !isBack) leaving?.leave();
    isViewed = true;
    startPage();
    views?.restart();
    leaving?.restart();
    tell(Tell.Page, `${json}\n`, at);
  };

  tell(Tell.SetDevice, device());
  if (isPrivate) stored.forget();
  else {
    stored.load(guard, (slot, id, number) => {
      ids[slot] = id;
      tell(Tell.Remembered + slot, id, number);
    });
  }
  if (userId) tell(Tell.SetUser, userId);
  // Until the first page view is told, events belong to the page as it stands.
  startPage();

  const views = capture.views ? guard.wrap(captureViews)(guard, options, record) : undefined;
  const leaving = capture.leave ? captureLeaving(guard, record) : undefined;
  if (capture.clicks) settleClicks = captureClicks(guard, options, waiting, record);
  if (capture.pages) {
    const moved = (): void => {
      settleClicks?.();
      leaving?.look();
    };
    const viewer = { addresses, isElsewhere: (hasQuery: boolean) => isOther(here, hasQuery), moved, view: viewPage };
    capturePageViews(guard, waiting, viewer, isViewed, pageAt);
  }
  const leave = (what: number): void => {
    drain();
    leaving?.leave();
    views?.pause();
    tell(what);
  };
  const shown = (): void => {
    leaving?.resume();
    views?.resume();
    tell(Tell.Resume);
  };
  followLifecycle(guard, () => leave(Tell.Hide), () => leave(Tell.Leave), shown);

  const calls: { [method: string]: (at: number, ...args: never[]) => unknown } = {
    track: (at, name: unknown, json = "") => track(text(name), json, at),
    page(at, _: undefined, json?: string) {
      // A route that waits to be looked at is this one.
      here = location.href;
      drain();
      viewPage(json, at);
    },
    identify: (at, userId: unknown, json = "") => tell(Tell.Identify, `${json}\n${text(userId)}`, at),
    click(at, path: EventTarget[]) {
      const [name, properties] = clicked(path, options) ?? [];
      if (name) record(name, properties!, at);
    },
    flush: () => tell(Tell.Flush),
    state() {
      tell(Tell.State);
      return { anonymousId: ids[0], sessionId: ids[1], ...JSON.parse(`{${state}}`) };
    },
    stop() {
      tell(Tell.Leave);
      guard.stop();
      core.leave();
    },
  };
  return guard.wrap((at, method, ...args) => {
    if (method !== "page") drain();
    return calls[method]?.(at, ...(args as never[]));
  });
}

/** Whatever a page passes as a name or an id, the core gets a text; an empty one is refused there, in words. */
function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? `${value}` : "";
}
