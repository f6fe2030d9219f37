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
  /** Names of the events that the site counts on: sent at once, dropped last. */
  keyEvents?: readonly string[];
  /** What is captured by itself; everything by default. */
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
  /** Says in the console what is refused, and why. */
  debug?: boolean;
}

/** What is captured by itself. */
export interface Capture {
  /** Clicks on links, buttons and `[data-track]`. */
  clicks?: boolean;
  /** Views of `[data-track-view]`. */
  views?: boolean;
  /** Page views, those of a single-page app included. */
  pages?: boolean;
  /** How long and how far a page was seen, told when it is left. */
  leave?: boolean;
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
  /** Events that the server took, or that left by beacon. */
  sent: number;
  /** Events that the server refused for good. */
  refused: number;
  /** Events dropped because the queue was full. */
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
  /** Recognises the user: later events carry the id. */
  identify(userId: string, traits?: Properties): void;
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
