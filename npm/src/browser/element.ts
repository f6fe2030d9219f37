/** What is told of an element. Never what somebody typed, and nothing out of a masked part. */
import { target } from "./address.js";

/** Its parts are not told: masked by the site, or somewhere to type. */
const UNTOLD = "[data-track-mask],input,textarea,select,[contenteditable]:not([contenteditable=false])";
/** Elements whose whole content is their label. */
const LABELLED = "a,button,[role=button],summary";
/** The most code points of a label. */
const LABEL = 64;

/** Its tag, id and role, and the site's own properties: `data-track-post-id="42"` becomes `post_id: "42"`. */
export function describe(element: Element): Record<string, unknown> {
  const properties: Record<string, unknown> = {
    tag: element.localName,
    // A form's own properties may be its fields.
    id: element.getAttribute("id") || undefined,
    role: element.getAttribute("role") ?? undefined,
  };
  for (const name of element.getAttributeNames()) {
    const own = /^data-track-(?!view$|mask$)(.+)/.exec(name)?.[1];
    if (own) properties[own.replaceAll("-", "_")] = element.getAttribute(name);
  }
  return properties;
}

/** What is written on an element, as it is seen. `around` leads from it to the window, through shadow roots. */
export function visibleLabel(element: Element, around: EventTarget[]): string | undefined {
  if (around.some((node) => node instanceof Element && node.matches(UNTOLD))) return undefined;
  // A container's text is content rather than a label.
  if (!element.matches(LABELLED) && element.childElementCount) return undefined;
  if (element.querySelector(UNTOLD)) return undefined;
  const label = (element as HTMLElement).innerText?.trim().replace(/\s+/g, " ");
  return label ? Array.from(label.slice(0, LABEL * 2)).slice(0, LABEL).join("") : undefined;
}

/** Where a link leads, as far as privacy lets it be told. (An SVG link's address is no text, and is not told.) */
export function destination(element: Element): string | undefined {
  const { href } = element as HTMLAnchorElement;
  return typeof href === "string" && href ? target(href) : undefined;
}
