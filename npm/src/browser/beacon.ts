import { attempt } from "../attempt.js";

/**
 * The transport for a page that goes: the browser promises to send it after the page is gone. A string travels as
 * `text/plain`, which needs no CORS preflight; there is no answer. False where it is refused: over the quota, blocked,
 * or not there at all.
 */
export function sendBeacon(url: string, body: string): boolean {
  return !!attempt(() => navigator.sendBeacon(url, body));
}
