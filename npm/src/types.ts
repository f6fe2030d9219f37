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
  /** What is captured by itself; clicks, views and page views by default. */
  capture?: Capture;
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
  /** Forms that were sent or abandoned, with the names of the fields touched; off by default, as are those below. */
  forms?: boolean;
  /** Audio and video: play, pause, 25, 50 and 75 percent played, and the end. */
  media?: boolean;
  /** Errors that nobody caught and rejections that nobody handled. */
  errors?: boolean;
  /** Web vitals: LCP, CLS, INP and TTFB. */
  vitals?: boolean;
  /** Copies: how much and where, never the text. */
  copy?: boolean;
  /** Prints. */
  print?: boolean;
  /** Passes the trace in `<meta name="traceparent">` on with the page's requests to its own origin. */
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
