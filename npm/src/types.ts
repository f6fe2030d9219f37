/** What `init` takes. Only `key` is required. */
export interface Options {
  /** The site's public write key, `pk_…`. */
  key: string;
  /** Where the server is, such as `https://t.example.com`; the page's own origin by default. */
  endpoint?: string;
  /** The site's id of the user, where the page that was served knows them. */
  userId?: string;
  /** How long an event waits for company, in milliseconds; 5000 by default, 100 to 600000. */
  flushInterval?: number;
  /** How many events are sent at once without waiting; 50 by default, 1 to 500. */
  flushCount?: number;
  /** Characters of events that are held until they are confirmed, 262144 by default; the oldest go, key events last. */
  storageBytes?: number;
  /** Names of the events that the site counts on: sent at once, dropped last. */
  keyEvents?: readonly string[];
  /** What is captured by itself. */
  capture?: Capture;
  /** The share of a `[data-track-view]` that must be visible, 0 to 1; 0.5 by default. */
  viewShare?: number;
  /** How long it must stay visible, in milliseconds; 1000 by default. */
  viewTime?: number;
  /** Whether the path of a fragment (`#/inbox`) is a route of its own; not so by default. */
  hashRoutes?: boolean;
  /** Keys of a query that may be told, besides those of campaigns. */
  allowQuery?: readonly string[];
  /** A CSS selector of elements whose text is not told. */
  mask?: string;
  /** What the visitor agreed to, as long as nothing else is said; `granted` by default: the site decides. */
  consent?: Consent;
  /** Categories of consent, by event name; what is not named is `analytics`, which everything needs. */
  categories?: Readonly<Record<string, string>>;
  /**
   * What Global Privacy Control and Do Not Track do: `anonymous` (the default) keeps no id and stores nothing, `off`
   * sends nothing.
   */
  privacy?: "anonymous" | "off" | "ignore";
  /** Where the visitor's ids are kept; `localStorage` by default. */
  storage?: "localStorage" | "cookie" | "memory";
  /** The domain of that cookie, such as `example.org`, for all its subdomains. */
  cookieDomain?: string;
  /** The share of sessions that tell anything, 0 to 1; 1 by default. */
  sampleRate?: number;
  /** The same by event name, instead of `sampleRate`. */
  sample?: Readonly<Record<string, number>>;
  /** Sees each event before it is queued; what it returns is queued instead, and nothing where that is no object. */
  beforeSend?(event: Event): Event | null | undefined | false;
  /** Hears of each event that the server has taken. */
  onSent?(event: Event, status: string): void;
  /** Hears of each event that will never be stored, and why. */
  onDropped?(event: Event, reason: string): void;
  /** Says in the console what is refused, and why. */
  debug?: boolean;
}

/** What the visitor said, in all or by category. */
export type Consent = ConsentState | Readonly<Record<string, ConsentState>>;
export type ConsentState = "granted" | "denied" | "pending";

/** An event, as hooks see it. */
export interface Event {
  type: string;
  /** The name of a `track` event. */
  event?: string;
  properties?: Record<string, unknown>;
  traits?: Record<string, unknown>;
  [field: string]: unknown;
}

/** What is captured by itself. The first four are on by default; the others come in a second part where one is on. */
export interface Capture {
  /** Clicks on links, buttons and `[data-track]`. */
  clicks?: boolean;
  /** Views of `[data-track-view]`. */
  views?: boolean;
  /** Page views, those of a single-page app included. */
  pages?: boolean;
  /** How long and how far a page was seen, told when it is left. */
  leave?: boolean;
  /** Forms that were submitted or abandoned, with the names of their fields. */
  forms?: boolean;
  /** Playing of audio and video. */
  media?: boolean;
  /** Errors that nobody caught. */
  errors?: boolean;
  /** Web vitals: LCP, CLS, INP, TTFB. */
  vitals?: boolean;
  /** That something was copied; never what. */
  copy?: boolean;
  /** That the page was printed. */
  print?: boolean;
  /** Puts the trace of the page (`<meta name="traceparent">`) on its requests to the same origin. */
  traces?: boolean;
}

/** Whatever `JSON.stringify` can write; at most 8 levels deep and 256 keys. */
export type Properties = Readonly<Record<string, unknown>>;

/** What is known of a running tracker. */
export interface State {
  /** The browser's id; missing in anonymous mode. */
  anonymousId?: string;
  /** The visit's id. */
  sessionId?: string;
  /** The user's id, where one was told. */
  userId?: string;
  /** Events that are not sent yet, or not answered. */
  queued: number;
  /** Events that left with a page, and that the server has not confirmed yet. */
  unconfirmed: number;
  /** Events that the server took. */
  sent: number;
  /** Events that the server refused for good. */
  refused: number;
  /** Events dropped because there was no room. */
  dropped: number;
}

/** The calls of a tracker. None of them ever throws. */
export interface Footfall {
  /** Starts the tracker of this page. */
  init(options: Options): void;
  /** Records an event: `track("like", { post_id: 42 })`. */
  track(name: string, properties?: Properties): void;
  /** Begins a view of a page; needed only where page views are not captured. */
  page(properties?: Properties): void;
  /** Recognises the user: later events, on later pages too, carry the id. */
  identify(userId: string, traits?: Properties): void;
  /** Says that the user was known by another id before; by default the present one. */
  alias(userId: string, previousId?: string): void;
  /** Says which group the user acts for: later events, on later pages too, carry the id. */
  group(groupId: string, traits?: Properties): void;
  /** Adds properties to all later events of this page. */
  set(properties: Properties): void;
  /** Starts a timed event. */
  startTimer(name: string): void;
  /** Records the timed event, with its `duration_ms`. */
  stopTimer(name: string, properties?: Properties): void;
  /** Says what the visitor agreed to; remembered for later pages. */
  consent(consent: Consent): void;
  /** Forgets user, group and browser: from here on it is somebody else. */
  reset(): void;
  /** Deletes all that was stored and tells nothing more, on later pages too. */
  optOut(): void;
  /** Takes `optOut` back. */
  optIn(): void;
  /** Sends all that is queued as soon as it can be sent. */
  flush(): void;
  /** Sends what is here and removes all that listens; afterwards `init` may start again. */
  shutdown(): void;
  /** The browser's id; `undefined` until the module runs, and in anonymous mode. */
  anonymousId(): string | undefined;
  /** What is known of the tracker; `undefined` until the module runs. */
  state(): State | undefined;
  /** Whether the module runs; settled once that is known. */
  ready(): Promise<boolean>;
}
