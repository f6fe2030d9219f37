/**
 * Traces: what the page asks of its own origin carries the page's trace (https://www.w3.org/TR/trace-context/), which
 * the server names in `<meta name="traceparent">`. Requests to elsewhere, and those that carry one, stay as they are.
 */
import type { Tools } from "../browser/extras.js";

const HEADER = "traceparent";
const FORM = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-([\da-f]{2})(?![\da-f])/;

/** Adds to the headers of a request in the shape that they have: a page's own `fetch` beneath ours may count on it. */
function withHeader(headers: HeadersInit | undefined, value: string): HeadersInit {
  if (headers instanceof Headers) {
    const copy = new Headers(headers);
    copy.set(HEADER, value);
    return copy;
  }
  if (headers && Symbol.iterator in headers) return [...headers, [HEADER, value]];
  return { ...headers, [HEADER]: value };
}

export function passTraces({ guard, endpoint }: Tools): void {
  /** The header for a request: the page's trace and a span of its own; nothing where the request is to stay as it is. */
  const traceparent = (address: unknown): string | undefined => {
    const { origin, href } = new URL(`${address}`, document.baseURI);
    if (guard.signal.aborted || origin !== location.origin) return undefined;
    // The SDK's own requests are no part of what the page does.
    if (href.startsWith(`${endpoint}/v1/`) && /^(events|config)/.test(href.slice(endpoint.length + 4))) return undefined;
    const meta = document.querySelector<HTMLMetaElement>(`meta[name=${HEADER}]`);
    const [found, trace, flags] = FORM.exec(meta?.content ?? "") ?? [];
    if (!found) return undefined;
    let span = "";
    for (const byte of crypto.getRandomValues(new Uint8Array(8))) span += (byte | 256).toString(16).slice(1);
    return `00-${trace}-${span}-${flags}`;
  };

  /** Looks at the calls of a function, and may change what is passed. Whatever goes wrong, the call itself is made. */
  const patch = (on: object | undefined, name: string, look: (its: object, args: never) => unknown[] | undefined): void => {
    const original: unknown = on && Reflect.get(on, name);
    if (typeof original !== "function") return;
    const ours = function (this: object, ...args: unknown[]): unknown {
      try {
        args = look(this, args as never) ?? args;
      } catch {
        // It is made as it is.
      }
      return Reflect.apply(original, this, args);
    };
    Reflect.set(on!, name, ours);
    guard.whenOff(() => {
      // What somebody put over ours calls ours, which then changes nothing any more.
      if (Reflect.get(on!, name) === ours) Reflect.set(on!, name, original);
    });
  };

  patch(window, "fetch", (_, args: [input: RequestInfo | URL, init?: RequestInit]) => {
    if (!args.length) return undefined;
    const [input, init] = args;
    const request = input instanceof Request ? input : undefined;
    const value = traceparent(request?.url ?? input);
    // Of an init that is no plain object, such as a request, a copy would lose what it inherits.
    if (!value || (init && Object.getPrototypeOf(init) !== Object.prototype)) return undefined;
    if (new Headers(init?.headers ?? request?.headers).has(HEADER)) return undefined;
    if (!request) return [input, { ...init, headers: withHeader(init?.headers, value) }];
    // Headers in an init would take the place of the request's own, and lose its referrer.
    const copy = new Request(request, init);
    copy.headers.set(HEADER, value);
    return [copy];
  });

  /** Requests that were opened, each with the header that it gets when it is sent. */
  const opened = new WeakMap<object, string>();
  const { prototype } = window.XMLHttpRequest ?? {};
  patch(prototype, "open", (its, [, address]: [method: string, address: unknown]) => {
    opened.delete(its);
    const value = traceparent(address);
    if (value) opened.set(its, value);
    return undefined;
  });
  patch(prototype, "setRequestHeader", (its, [name]: [name: unknown]) => {
    if (`${name}`.toLowerCase() === HEADER) opened.delete(its);
    return undefined;
  });
  patch(prototype, "send", (its) => {
    const value = opened.get(its);
    if (value) (its as XMLHttpRequest).setRequestHeader(HEADER, value);
    return undefined;
  });
}
