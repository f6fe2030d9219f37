/**
 * Clicks on links, buttons and whatever is marked `data-track`, in shadow roots too. An event is named by its
 * `data-track`, or `click`; middle clicks and the keyboard count as well. What a click needs is read at once, the rest
 * waits for a later task.
 */
import type { Checked } from "../options.js";
import { judgeClicks } from "./dead.js";
import { describe, destination, nearest, visibleLabel } from "./element.js";
import type { Guard } from "./guard.js";
import type { Later } from "./later.js";
import { rageWatch } from "./rage.js";
import { selectorOf } from "./selector.js";
import type { Record } from "./tracker.js";

const LINK = "a[href],area[href]";
const CLICKABLE = `${LINK},button,[role=button],summary,input[type=button],input[type=submit],[data-track]`;
/** Their answer to a click cannot be seen from outside, or is the caret that was there before. */
const SILENT = "input:not([type=button],[type=submit]),textarea,select,label,audio,video,canvas,[contenteditable]";

/** What is told of a click, given the way from what was clicked to the window, and its link; nothing if it is not told. */
export function clicked(
  path: EventTarget[],
  options: Checked,
): [name: string, properties: object, link?: HTMLAnchorElement | undefined] | undefined {
  const element = nearest(path, CLICKABLE);
  if (!element) return undefined;
  const around = path.slice(path.indexOf(element));
  const link = nearest(around, LINK) as HTMLAnchorElement | undefined;
  const properties = {
    text: visibleLabel(element, around, options.mask),
    selector: selectorOf(element),
    ...(link && destination(link, options)),
    ...describe(element),
  };
  return [element.getAttribute("data-track") || "click", properties, link];
}

/** `first` tells what the page told before a click. Returns what settles the clicks that wait for their verdict: something happened, or there is no more time. */
export function captureClicks(guard: Guard, options: Checked, { later }: Later, record: Record, first: () => void): () => void {
  const isRage = rageWatch();
  const verdicts = judgeClicks(guard);
  /** What the browser clicks next by itself, after a click on its label. */
  let twin: EventTarget | null | undefined;
  const hear = (event: MouseEvent): void => {
    first();
    const at = Date.now();
    const path = event.composedPath();
    const told = path[0] !== twin && clicked(path, options);
    twin = undefined;
    if (!told) return;
    const [name, properties, link] = told;
    const control = (nearest(path, "label") as HTMLLabelElement | undefined)?.control;
    if (control !== path[0]) twin = control;
    // The keyboard and scripts click at no spot.
    const rage = (event.detail && isRage(event)) || undefined;
    const tell = (dead?: true): void =>
      later(() => {
        twin = undefined;
        record(name, { ...properties, rage, dead }, at);
      });
    // What a link does by itself is not always seen: another window, a download, a slow server.
    const isFollowed = (): boolean =>
      !!link && !event.defaultPrevented && !/^(#|javascript:)/i.test(link.getAttribute("href")!);
    if (nearest(path, SILENT)) {
      // In order.
      verdicts.alive();
      tell();
    } else verdicts.await(path, isFollowed, tell);
  };
  // The other buttons of a mouse click nothing.
  for (const [button, kind] of ["click", "auxclick"].entries()) {
    guard.listen<MouseEvent>(window, kind, (event) => event.button === button && hear(event));
  }
  return verdicts.alive;
}
