/**
 * A running tracker: the core in the module decides, these hands carry it out. Everything that the page tells, by
 * captures or by calls, comes through here.
 */
import { attempt } from "../attempt.js";
import { warn } from "../console.js";
import type { Call, Run } from "../early.js";
import type { Checked } from "../options.js";
import { asksForPrivacy } from "../privacy.js";
import { campaign, pathOf, place, scrubbed, target } from "./address.js";
import { captureClicks, clicked } from "./clicks.js";
import { configured, fetchConfig } from "./config.js";
import { consents } from "./consent.js";
import { makeCore, Kind, record as recordOf, Tell } from "./core.js";
import { device, timezone } from "./device.js";
import { describe } from "./element.js";
import { bringExtras, type Extras, type Told } from "./extras.js";
import { hurry } from "./fetch.js";
import { Guard } from "./guard.js";
import { makeHands } from "./hands.js";
import { makeLater } from "./later.js";
import { captureLeaving, type Leaving } from "./leave.js";
import { followLifecycle } from "./lifecycle.js";
import { oneTab } from "./lock.js";
import { masked } from "./masked.js";
import { capturePageViews } from "./page-views.js";
import { CONFIG, CONSENT, store } from "./storage.js";
import { captureViews, type Views } from "./views.js";

/** So many calls wait for the end of their task at most. */
const QUEUE = 500;
/** Calls that are made at once. */
const NOW = /^(flush|st|anon)/;

/** Records a captured event. */
export type Record = (name: string, properties: object, at?: number) => void;

/**
 * Starts a tracker; nothing where the visitor's browser asks for privacy and the site lets that turn it off. `isViewed`
 * is true where the view of this page has been told already; `extras` is the second part, where it came at once.
 */
export function startTracker(
  given: Checked,
  isViewed: boolean,
  pageAt: number | undefined,
  loadExtras: () => Promise<Extras>,
  extras?: Extras,
): Run | undefined {
  const { key, endpoint, flushInterval = 5_000, flushCount = 50, storageBytes = 262_144, privacy, storage } = given;
  const guard = new Guard();
  const say = (words: string): void => {
    if (given.debug) warn(words);
  };
  const isPrivate = privacy !== "ignore" && asksForPrivacy();
  const isKept = !isPrivate && storage !== "memory";
  const plain = store(key, storageBytes, isKept);
  const stored = storage === "cookie" && extras && isKept ? extras.withCookies(plain, key, given.cookieDomain) : plain;
  if (isPrivate) stored.forgetAll();
  if (isPrivate && privacy === "off") {
    say("off: the visitor asks for privacy");
    return undefined;
  }
  let config = "{}";
  let options = configured(given);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wakeAt = 0;
  let isUpToDate = true;
  /** The event that the core is being told of. */
  let told: Told;

  const reports = extras?.reports(given);
  const edit = reports && extras?.edits(given, reports);
  const hands = makeHands(guard, given, stored, reports, () => told, (text) => tell(Tell.Answered, text));
  const core = makeCore(hands.act, flushInterval, flushCount, storageBytes, isPrivate, isKept);
  const tell = guard.wrap((what: number, text: string = "", at: number = Date.now()): void => {
    const before = wakeAt;
    wakeAt = core.tell(what, text, at);
    if (wakeAt !== before || what === Tell.Wake) {
      clearTimeout(timer);
      timer = wakeAt ? setTimeout(tell, wakeAt - performance.now(), Tell.Wake) : undefined;
    }
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
  const event = (kind: Kind, name: string, given = "", at = Date.now()): void => {
    const isOurs = kind <= Kind.Page && supers && /^({|$)/.test(given);
    told = { kind, name, json: isOurs ? JSON.stringify({ ...supers, ...parsed(given) }) : given, at };
    if (edit && !edit(told)) return;
    const isTrack = kind === Kind.Track;
    const named = isTrack ? told.name : "";
    const rate = Number(options.sample?.[named] ?? options.sampleRate ?? 1);
    const isKey = isTrack && options.keyEvents?.includes?.(named);
    const lines = `${line(told.json)}\n${line(told.name)}\n${rate < 1 ? rate.toFixed(6) : ""}`;
    tell(recordOf(kind, !!isKey, consent.category(named)), lines, at);
  };
  const record: Record = (name, properties, at) => event(Kind.Track, name, JSON.stringify(properties), at);

  const waiting = makeLater(guard);
  let settleClicks: (() => void) | undefined;
  let views: Views | undefined;
  let leaving: Leaving | undefined;
  /** Tells what captures keep for a later moment, before what must come after it. */
  const settle = (): void => {
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
  const consent = consents(given.categories, (text) => tell(Tell.SetConsent, text));
  let choice: unknown = given.consent;
  stored.load(guard, (slot, value) => {
    if (slot === CONSENT) consent.take((choice = value));
    else if (slot === CONFIG) options = configured(given, (config = value));
    else {
      hands.recall(slot, value);
      tell(Tell.Recall + slot, value);
    }
  });
  if (choice) consent.take(choice);
  if (given.userId) tell(Tell.SetUser, given.userId);
  const cameBy = campaign(location.href);
  if (cameBy) tell(Tell.SetCampaign, cameBy);
  // Until the first page view is told, events belong to the page as it stands.
  startPage();

  const viewer = {
    addresses,
    isElsewhere(hasQuery: boolean) {
      // One of them may be for this very view.
      if (!isMaking) makeCalls();
      return isOther(here, hasQuery);
    },
    moved() {
      settleClicks?.();
      leaving?.look();
    },
    view: viewPage,
  };
  const mask = ["[data-track-mask]", ...(given.mask ? [given.mask] : [])].join();
  const bring = bringExtras(loadExtras, {
    guard,
    record,
    describe,
    target: (address) => target(address, addresses),
    masked,
    mask,
    say,
    endpoint,
    hiding,
    viewing,
  });
  let hasPages = false;
  const startCaptures = (): void => {
    const { views: seesViews, leave, clicks, pages, ...others } = options.capture ?? {};
    if (seesViews !== false) views ??= captureViews(guard, options, record);
    if (leave !== false) leaving ??= captureLeaving(guard, record);
    if (clicks !== false) settleClicks ??= captureClicks(guard, options, waiting, record, () => makeCalls());
    if (pages !== false && !hasPages) {
      hasPages = true;
      capturePageViews(guard, waiting, viewer, isViewed, pageAt);
    }
    if (Object.values(others).includes(true)) bring((lent) => lent.start(others));
  };
  startCaptures();

  /** Takes over what pages left that are gone. */
  let nextClaim: ReturnType<typeof setTimeout> | undefined;
  const claim = guard.wrap(() => {
    clearTimeout(nextClaim);
    if (!consent.isGranted()) return;
    if (isKept) oneTab(`footfall:${key}:claim`, guard.wrap(() => {
      const next = stored.claim((lines) => tell(Tell.Adopt, lines)) - Date.now();
      if (next < Infinity) nextClaim = setTimeout(claim, Math.max(next, 1_000));
    }));
  });
  guard.whenOff(() => clearTimeout(nextClaim));
  claim();
  const whenIdle = guard.wrap(() => {
    tell(Tell.SetDevice, device(timezone()));
    if (!consent.isGranted()) return;
    void fetchConfig(
      given,
      guard.wrap((text) => {
        if (text === config) return;
        stored.remember(CONFIG, text);
        options = configured(given, (config = text));
        startCaptures();
      }),
    );
  });
  // Safari has no requestIdleCallback.
  if (!attempt(() => [requestIdleCallback(whenIdle)])) setTimeout(whenIdle);

  const leave = (what: number): void => {
    makeCalls();
    settle();
    leaving?.leave();
    views?.pause();
    for (const run of hiding) run();
    // Before the beacons, to keep the order; and what a beacon was refused for goes with them.
    hurry();
    tell(what);
    hurry();
  };
  const shown = (): void => {
    leaving?.resume();
    views?.resume();
    tell(Tell.Resume);
    claim();
  };
  followLifecycle(guard, () => leave(Tell.Hide), () => leave(Tell.Leave), shown);

  const sayConsent = (said: unknown): void => {
    stored.remember(CONSENT, consent.take(said));
    claim();
  };
  const choose = (analytics: string) => (): void => sayConsent(JSON.stringify({ analytics }));
  const calls: { [method: string]: (at: number, ...args: never[]) => unknown } = {
    track: (at, name: unknown, json?: string) => event(Kind.Track, text(name), json, at),
    page(at, json?: string) {
      // A route that waits to be looked at is this one.
      here = location.href;
      settle();
      viewPage(json && JSON.stringify(parsed(json) ?? null), at);
    },
    identify: (at, userId: unknown, json?: string) => event(Kind.Identify, text(userId), json, at),
    alias: (at, userId: unknown, previousId: string) => event(Kind.Alias, text(userId), line(parsed(previousId)), at),
    group: (at, groupId: unknown, json?: string) => event(Kind.Group, text(groupId), json, at),
    set(_, json = "{}") {
      supers = { ...supers, ...parsed(json) };
    },
    consent: (_, said: unknown) => sayConsent(said),
    optOut: choose("denied"),
    optIn: choose("granted"),
    reset() {
      supers = undefined;
      tell(Tell.Reset);
    },
    // One from before the module came.
    ""(at, path: EventTarget[]) {
      const [name, properties] = clicked(path, options) ?? [];
      if (name) record(name, properties!, at);
    },
    flush: () => tell(Tell.Flush),
    state() {
      tell(Tell.State);
      return hands.state();
    },
    anonymousId: () => hands.state().anonymousId,
    refuse: (_, subject: unknown, reason: string) => say(`${text(subject)} was refused: ${reason}`),
    init: () => say("init was called already"),
    stop() {
      tell(Tell.Leave);
      guard.stop();
      core.leave();
    },
  };
  /** Calls that the page makes in one task are carried out at its end, so that each costs the page next to nothing. */
  const queue: Call[] = [];
  /** Each leaves the queue as it is made: Firefox cancels scripts of a tab that is closed, and `leave` makes the rest. */
  let isMaking = false;
  const makeCall = ([at, method, ...args]: Call): unknown => {
    if (method !== "page") settle();
    const call = calls[method];
    if (call) return call(at, ...(args as never[]));
    // What few call comes with its own time.
    return bring((lent) => lent.call(method, at, ...args));
  };
  const makeCalls = guard.wrap(() => {
    isMaking = true;
    while (queue[0]) makeCall(queue.shift()!);
    isMaking = false;
  });
  return guard.wrap((...call) => {
    if (NOW.test(call[1])) {
      makeCalls();
      return makeCall(call);
    }
    const count = queue.push(call);
    if (count > QUEUE) makeCalls();
    else if (count === 1) queueMicrotask(makeCalls);
    return undefined;
  });
}

/** Whatever a page passes as a name or an id, the core gets a text; an empty one is refused there, in words. */
function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? `${value}` : "";
}

/** Properties that crossed as text. What is no object is nothing here; the core says so in words. */
function parsed(json: string): object | undefined {
  return attempt(() => JSON.parse(json) as object);
}

/** A text as one line: a line feed becomes another control character, which the core refuses in words. */
function line(value: unknown): string {
  return text(value).replaceAll("\n", "\r");
}
