/**
 * A running tracker: the core in the module decides, these hands carry it out. Everything that the page tells, by
 * captures or by calls, comes through here.
 */
import { warn } from "../console.js";
import type { Run } from "../early.js";
import type { Checked } from "../options.js";
import { asksForPrivacy } from "../privacy.js";
import type { Event } from "../types.js";
import { campaign, pathOf, place, scrubbed, target } from "./address.js";
import { captureClicks, clicked } from "./clicks.js";
import { configured, fetchConfig } from "./config.js";
import { consents } from "./consent.js";
import { makeCore, Kind, record as recordOf, Tell } from "./core.js";
import { device } from "./device.js";
import { describe } from "./element.js";
import { bringExtras, type Extras } from "./extras.js";
import { hurry } from "./fetch.js";
import { Guard } from "./guard.js";
import { makeHands } from "./hands.js";
import { makeLater } from "./later.js";
import { captureLeaving, type Leaving } from "./leave.js";
import { followLifecycle } from "./lifecycle.js";
import { oneTab } from "./lock.js";
import { masked } from "./masked.js";
import { capturePageViews } from "./page-views.js";
import { store } from "./storage.js";
import { captureViews, type Views } from "./views.js";

/** Records a captured event. */
export type Record = (name: string, properties: object, at?: number) => void;

/** The most timed events that run at once. */
const TIMERS = 100;
const TYPES = ["track", "page", "", "identify", "group", "alias"];
/** What an event's name is, and where its values are. */
const NAMED = ["event", "event", "", "user_id", "group_id", "user_id"];

/**
 * Starts a tracker; nothing where the visitor's browser asks for privacy and the site lets that turn it off. `isViewed`
 * is true where the view of this page has been told already; `extras` is the second part, where it came at once.
 */
export function startTracker(
  given: Checked,
  isViewed: boolean,
  pageAt: number,
  loadExtras: () => Promise<Extras>,
  extras?: Extras,
): Run | undefined {
  const { key, endpoint, flushInterval = 5_000, flushCount = 50, storageBytes = 262_144, privacy, storage, beforeSend } = given;
  const guard = new Guard();
  const say = (words: string): void => {
    if (given.debug) warn(words);
  };
  const isPrivate = privacy !== "ignore" && asksForPrivacy();
  const isKept = !isPrivate && storage !== "memory";
  const stored = store(key, storageBytes, isKept, storage === "cookie" ? extras?.cookies(given.cookieDomain) : undefined);
  if (isPrivate) stored.forgetAll();
  if (isPrivate && privacy === "off") {
    say("nothing is captured: the visitor asks for privacy");
    return undefined;
  }
  let options = configured(given, stored.get("config"));
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isUpToDate = true;
  /** The event that the core is being told of. */
  let seen: () => Event;

  const reports = extras?.reports(given);
  const hands = makeHands(guard, given, stored, reports, () => seen(), (text) => tell(Tell.Answered, text));
  const core = makeCore(hands.act, flushInterval, flushCount, storageBytes, isPrivate, isKept);
  const tell = guard.wrap((what: number, text: string = "", at: number = Date.now()): void => {
    const wakeAt = core.tell(what, text, at);
    clearTimeout(timer);
    timer = wakeAt ? setTimeout(tell, wakeAt - performance.now(), Tell.Wake) : undefined;
    if (isUpToDate && what !== Tell.Keep && what !== Tell.State) {
      isUpToDate = false;
      // Once for all that happens in this task.
      queueMicrotask(keep);
    }
  });
  const keep = (): void => {
    isUpToDate = true;
    tell(Tell.Keep);
  };
  guard.whenOff(() => clearTimeout(timer));

  let supers: object | undefined;
  const event = (kind: Kind, name: string, json = "", at = Date.now()): void => {
    const bag = kind > Kind.Page ? "traits" : "properties";
    const named = NAMED[kind]!;
    let told = json;
    if (bag === "properties" && supers && /^({|$)/.test(json)) {
      told = JSON.stringify({ ...supers, ...(json && (JSON.parse(json) as object)) });
    }
    seen = () => ({
      type: TYPES[kind]!,
      [named]: name,
      timestamp: at,
      ...(kind === Kind.Alias ? { previous_id: told } : told && { [bag]: JSON.parse(told) as object }),
    });
    let final = name;
    if (beforeSend) {
      const before = seen();
      let after: Event | null | undefined | false;
      let reason = "beforeSend dropped it";
      try {
        after = beforeSend(before);
      } catch (error) {
        // What it was to take out is not known.
        reason = `beforeSend threw: ${error}`;
      }
      if (!after || typeof after !== "object") {
        reports?.refused(before, reason);
        return;
      }
      final = text(after[named]);
      told = kind === Kind.Alias ? text(after.previous_id) : (JSON.stringify(after[bag]) ?? "");
    }
    const what = kind === Kind.Track ? final : TYPES[kind]!;
    const rate = options.sample?.[what] ?? options.sampleRate ?? 1;
    const isKey = kind === Kind.Track && options.keyEvents?.includes?.(final);
    const lines = [told, line(final), rate < 1 ? rate.toFixed(6) : ""].join("\n");
    tell(recordOf(kind, !!isKey, consent.category(what)), lines, at);
  };
  const record: Record = (name, properties, at) => event(Kind.Track, name, JSON.stringify(properties), at);

  const waiting = makeLater(guard);
  let settleClicks: (() => void) | undefined;
  let views: Views | undefined;
  let leaving: Leaving | undefined;
  /** Tells all that waits for a later moment, before what must come after it. */
  const drain = (): void => {
    settleClicks?.();
    waiting.drain();
  };

  const addresses = { ...given, isPrivate };
  const hiding: (() => void)[] = [];
  const viewing: (() => void)[] = [];
  /** The address of the last page view as it was told, and as far as it is taken care of. */
  let lastPlace = "";
  let here = "";
  const isOther = (address: string, hasQuery: boolean): boolean =>
    place(address, hasQuery, addresses) !== place(location.href, hasQuery, addresses);
  const startPage = (): void => {
    // Within a single-page app the page before is the app's own last one.
    const before = lastPlace && isOther(lastPlace, true) ? lastPlace : document.referrer;
    lastPlace = here = location.href;
    const page = {
      url: scrubbed(here, addresses),
      path: pathOf(location, addresses),
      title: masked(document.title).slice(0, 200) || undefined,
      referrer: scrubbed(before, addresses) || undefined,
    };
    tell(Tell.StartPage, JSON.stringify(page));
  };
  const viewPage = (json = "", at?: number, isBack?: boolean): void => {
    for (const run of viewing) run();
    if (isViewed && !isBack) leaving?.leave();
    isViewed = true;
    startPage();
    views?.restart();
    leaving?.restart();
    event(Kind.Page, "", json, at);
  };

  tell(Tell.SetDevice, device());
  stored.load(guard, (slot, value) => {
    hands.recall(slot, value);
    tell(Tell.Recall + slot, value);
  });
  const consent = consents(stored, given, (text) => tell(Tell.SetConsent, text));
  if (given.userId) tell(Tell.SetUser, given.userId);
  const cameBy = campaign(location.href);
  if (cameBy) tell(Tell.SetCampaign, cameBy);
  // Until the first page view is told, events belong to the page as it stands.
  startPage();

  const viewer = {
    addresses,
    isElsewhere: (hasQuery: boolean) => isOther(here, hasQuery),
    moved() {
      settleClicks?.();
      leaving?.look();
    },
    view: viewPage,
  };
  const starts: { [capture: string]: () => void } = {
    views: () => (views = guard.wrap(captureViews)(guard, options, record)),
    leave: () => (leaving = captureLeaving(guard, record)),
    clicks: () => (settleClicks = captureClicks(guard, options, waiting, record)),
    pages: () => capturePageViews(guard, waiting, viewer, isViewed, pageAt),
  };
  const startExtras = bringExtras(
    loadExtras,
    { guard, record, describe, target: (address) => target(address, addresses), masked, mask: given.mask ? `[data-track-mask],${given.mask}` : "[data-track-mask]", endpoint, hiding, viewing },
    say,
  );
  const startCaptures = (): void => {
    const { views, leave, clicks, pages, ...others } = options.capture ?? {};
    for (const [name, isOn] of Object.entries({ views, leave, clicks, pages })) {
      if (isOn === false) continue;
      starts[name]?.();
      delete starts[name];
    }
    startExtras(others);
  };
  startCaptures();

  /** Takes over what pages left that are gone. */
  let nextClaim: ReturnType<typeof setTimeout> | undefined;
  const claim = guard.wrap(() => {
    clearTimeout(nextClaim);
    if (!consent.isGranted()) return;
    oneTab(`footfall:${key}`, guard.wrap(() => {
      const next = stored.claim((lines) => tell(Tell.Adopt, lines)) - Date.now();
      if (next < Infinity) nextClaim = setTimeout(claim, Math.max(next, 1_000));
    }));
  });
  guard.whenOff(() => clearTimeout(nextClaim));
  claim();
  // Safari has no requestIdleCallback.
  (window.requestIdleCallback ?? setTimeout)(
    guard.wrap(() => {
      if (!consent.isGranted()) return;
      void fetchConfig(given, stored, guard.wrap((text) => {
        options = configured(given, text);
        startCaptures();
      }));
    }),
  );

  const leave = (what: number): void => {
    drain();
    leaving?.leave();
    views?.pause();
    for (const run of hiding) run();
    hurry();
    tell(what);
  };
  const shown = (): void => {
    leaving?.resume();
    views?.resume();
    tell(Tell.Resume);
    claim();
  };
  followLifecycle(guard, () => leave(Tell.Hide), () => leave(Tell.Leave), shown);

  const timers = new Map<string, number>();
  const sayConsent = (said: string): void => {
    consent.say(said);
    claim();
  };
  const calls: { [method: string]: (at: number, ...args: never[]) => unknown } = {
    track: (at, name: unknown, json?: string) => event(Kind.Track, text(name), json, at),
    page(at, json?: string) {
      // A route that waits to be looked at is this one.
      here = location.href;
      drain();
      viewPage(json, at);
    },
    identify: (at, userId: unknown, json?: string) => event(Kind.Identify, text(userId), json, at),
    alias: (at, userId: unknown, previousId: unknown) => event(Kind.Alias, text(userId), line(text(previousId)), at),
    group: (at, groupId: unknown, json?: string) => event(Kind.Group, text(groupId), json, at),
    set(_, json = "{}") {
      supers = { ...supers, ...JSON.parse(json) };
    },
    startTimer(at, name: unknown) {
      if (timers.size < TIMERS) timers.set(text(name), at);
      else say(`there are ${TIMERS} timers already; ${name} is not started`);
    },
    stopTimer(at, name: unknown, json = "{}") {
      const since = timers.get(text(name));
      if (since === undefined) say(`${name} was not started`);
      else event(Kind.Track, text(name), JSON.stringify({ ...JSON.parse(json), duration_ms: at - since }), at);
      timers.delete(text(name));
    },
    consent: (_, said: string) => sayConsent(said),
    optOut: () => sayConsent("denied"),
    optIn: () => sayConsent("granted"),
    reset() {
      supers = undefined;
      tell(Tell.Reset);
    },
    click(at, path: EventTarget[]) {
      const [name, properties] = clicked(path, options) ?? [];
      if (name) record(name, properties!, at);
    },
    flush: () => tell(Tell.Flush),
    state() {
      tell(Tell.State);
      return hands.state();
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

/** A text as one line: a line feed becomes another control character, which the core refuses in words. */
function line(text: string): string {
  return text.replaceAll("\n", "\r");
}
