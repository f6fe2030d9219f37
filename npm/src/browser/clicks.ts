/**
 * Clicks on links, buttons and whatever is marked `data-track`, in shadow roots too. An event is named by its
 * `data-track`, or `click`; middle clicks and the keyboard count as well.
 */
import { describe, destination, visibleLabel } from "./element.js";
import type { Guard } from "./guard.js";
import type { Record } from "./tracker.js";

const CLICKABLE = "a[href],area[href],button,[role=button],input[type=button],input[type=submit],[data-track]";

export function captureClicks(guard: Guard, record: Record): void {
  for (const kind of ["click", "auxclick"]) {
    guard.listen(window, kind, (event) => clicked(event.composedPath(), record));
  }
}

/** Records a click, given the way from what was clicked to the window. */
export function clicked(path: EventTarget[], record: Record, at?: number): void {
  const place = path.findIndex((node) => node instanceof Element && node.matches(CLICKABLE));
  const element = path[place] as Element | undefined;
  if (!element) return;
  const properties = {
    text: visibleLabel(element, path.slice(place)),
    href: destination(element),
    ...describe(element),
  };
  record(element.getAttribute("data-track") || "click", properties, at);
}
