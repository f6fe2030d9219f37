/**
 * Routes of a single-page app: tells that the address may be another one, from the Navigation API where there is one,
 * else from `popstate` and the functions of `history`.
 */
import type { Guard } from "./guard.js";

type NavigationEvent = Event & { navigationType?: string | null };

/** `moved` hears at once, in the page's own task; `isReplaced` where the entry of the history is still the same. */
export function followRoutes(guard: Guard, moved: (isReplaced: boolean) => void): void {
  // An element with the id `navigation` goes by that name, too, where the API is missing.
  const { navigation } = window as { navigation?: EventTarget & { currentEntry?: object } };
  if (navigation?.currentEntry) {
    guard.listen<NavigationEvent>(navigation, "currententrychange", (event) => moved(event.navigationType === "replace"));
    return;
  }
  guard.listen(window, "popstate", () => moved(false));
  const heard = guard.wrap(moved);
  for (const name of ["pushState", "replaceState"] as const) {
    const theirs = history[name];
    const ours: typeof theirs = (...entry) => {
      theirs.apply(history, entry);
      heard(name === "replaceState");
    };
    history[name] = ours;
    // Whoever replaced it since is left in place, and still leads to theirs.
    guard.whenOff(() => {
      if (history[name] === ours) history[name] = theirs;
    });
  }
}
