/**
 * The page's life-cycle. `visibilitychange` is the last word that phones give; `pagehide` covers navigation in browsers
 * that leave the first one out (https://developer.chrome.com/docs/web-platform/page-lifecycle-api).
 */
import type { Guard } from "./guard.js";

export function followLifecycle(guard: Guard, hidden: () => void, left: () => void, shown: () => void): void {
  guard.listen(document, "visibilitychange", () => (document.hidden ? hidden() : shown()));
  // A network that is back is tried at once.
  guard.listen(window, "online", shown);
  guard.listen(window, "pagehide", left);
  guard.listen(window, "pageshow", shown);
}
