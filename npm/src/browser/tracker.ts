/**
 * A running tracker: the core in the module decides, these hands carry it out. Everything that the page tells, by
 * captures or by calls, comes through here.
 */
import { warn } from "../console.js";
import type { Run } from "../early.js";
import type { Checked } from "../options.js";
import { scrubbed, target } from "./address.js";
import { sendBeacon } from "./beacon.js";
import { captureClicks, clicked } from "./clicks.js";
import { makeCore, Tell, Told, type Hands } from "./core.js";
import { asksForPrivacy, device } from "./device.js";
import { describe } from "./element.js";
import { bringExtras, type Extras, type Tools } from "./extras.js";
import { post } from "./fetch.js";
import { Guard } from "./guard.js";
import { followLifecycle } from "./lifecycle.js";
import { masked } from "./masked.js";
import { capturePageViews } from "./page-views.js";
import { store } from "./storage.js";
import { captureViews } from "./views.js";

/** Records a captured event. */
export type Record = (name: string, properties: object, at?: number) => void;

/** Starts a tracker. `pageViewed` is true where the view of this page has been told already. */
export function startTracker(options: Checked, pageViewed: boolean, pageAt: number, loadExtras: () => Promise<Extras>): Run {
  const { key, endpoint, userId, flushInterval = 5_000, flushCount = 50, keyEvents = [], capture, debug } = options;
  const guard = new Guard();
  const say = (words: string): void => {
    if (debug) warn(words);
  };
  const url = `${endpoint}/v1/events?key=${encodeURIComponent(key)}&priority=`;
  const stored = store(key);
  const isPrivate = asksForPrivacy();
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

  /** The address of the last page view. */
  let place = "";
  const startPage = (): void => {
    const before = place;
    place = address();
    // Within a single-page app the page before is the app's own last one.
    const referrer = scrubbed(before && before !== place ? before : document.referrer) || undefined;
    const path = location.pathname.slice(0, 2_000);
    const title = document.title.slice(0, 200) || undefined;
    tell(Tell.StartPage, JSON.stringify({ url: scrubbed(place), path, title, referrer }));
  };
  const hiding: (() => void)[] = [];
  const viewing: (() => void)[] = [];
  const viewPage = (json = "", at?: number): void => {
    for (const run of viewing) run();
    startPage();
    views?.restart();
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

  const views = capture.views ? guard.wrap(captureViews)(guard, record) : undefined;
  if (capture.clicks) captureClicks(guard, record);
  if (capture.pages) {
    capturePageViews(guard, () => place !== address(), viewPage);
    if (!pageViewed) viewPage("", pageAt);
  }
  const leave = (what: number): void => {
    views?.pause();
    for (const run of hiding) run();
    tell(what);
  };
  const shown = (): void => {
    views?.resume();
    tell(Tell.Resume);
  };
  followLifecycle(guard, () => leave(Tell.Hide), () => leave(Tell.Leave), shown);

  const lent: Tools = {
    guard,
    record,
    describe,
    target: ({ href }) => target(href),
    masked,
    mask: "[data-track-mask]",
    endpoint,
    hiding,
    viewing,
  };
  bringExtras(loadExtras, lent, say)(capture);

  const calls: { [method: string]: (at: number, ...args: never[]) => unknown } = {
    track: (at, name: unknown, json = "") => track(text(name), json, at),
    page: (at, _: undefined, json?: string) => viewPage(json, at),
    identify: (at, userId: unknown, json = "") => tell(Tell.Identify, `${json}\n${text(userId)}`, at),
    click: (at, path: EventTarget[]) => clicked(path, record, at),
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
  return guard.wrap((at, method, ...args) => calls[method]?.(at, ...(args as never[])));
}

/** The page's address, fragment cut. */
function address(): string {
  return location.href.split("#", 1)[0]!;
}

/** Whatever a page passes as a name or an id, the core gets a text; an empty one is refused there, in words. */
function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? `${value}` : "";
}
