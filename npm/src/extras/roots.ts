/**
 * Listens for events that do not leave a shadow root, such as `submit` and those of media. Roots are learned from the
 * events that do: a visitor comes upon a root before anything in it can be submitted or played by hand.
 */
import type { Guard } from "../browser/guard.js";

export function listenInRoots(guard: Guard, kinds: readonly string[], hear: (event: Event) => void): void {
  const known = new WeakSet<EventTarget>();
  const listenIn = (root: EventTarget): void => {
    if (known.has(root)) return;
    known.add(root);
    for (const kind of kinds) guard.listen(root, kind, hear);
  };
  listenIn(window);
  for (const kind of ["pointerdown", "focusin", "input"]) {
    guard.listen(window, kind, (event) => {
      for (const node of event.composedPath()) if (node instanceof ShadowRoot) listenIn(node);
    });
  }
}
