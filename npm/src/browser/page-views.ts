/**
 * Page views: each route of a single-page app, each return from the back/forward cache. Routes are learned from the
 * Navigation API and from `popstate`, so that no function of the page is replaced.
 */
import type { Guard } from "./guard.js";

export function capturePageViews(guard: Guard, isElsewhere: () => boolean, view: () => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = guard.wrap(() => {
    if (isElsewhere()) view();
  });
  // A router may change the address several times in one task, and sets the title after it.
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(look);
  };
  guard.listen(window, "popstate", changed);
  guard.listen((window as { navigation?: EventTarget }).navigation, "currententrychange", changed);
  guard.listen<PageTransitionEvent>(window, "pageshow", ({ persisted }) => persisted && view());
  guard.whenOff(() => clearTimeout(timer));
}
