/** What is told of an element. Never what somebody typed, and nothing out of a masked part. */
import { isWeb, target, type Addresses } from "./address.js";
import { masked } from "./masked.js";

/** Its parts are not told: masked by the site, or somewhere to type. */
const UNTOLD = "[data-track-mask],input,textarea,select,[contenteditable]:not([contenteditable=false])";
/** Elements whose whole content is their label. */
const LABELLED = "a,button,[role=button],summary";
/** The most code points of a label. */
const LABEL = 64;
/** What a link to a file ends with. */
const FILE = /\.(pdf|docx?|xlsx?|csv|zip|dmg|exe|mp[34])$/i;

/** The first element on the way from what was clicked to the window that a selector matches. */
export function nearest(path: EventTarget[], selector: string): Element | undefined {
  return path.find((node): node is Element => node instanceof Element && node.matches(selector));
}

/** Its tag, id and role, and the site's own properties: `data-track-post-id="42"` becomes `post_id: "42"`. */
export function describe(element: Element): Record<string, unknown> {
  const properties: Record<string, unknown> = {
    tag: element.localName,
    // A form's own properties may be its fields.
    id: element.getAttribute("id") || undefined,
    role: element.getAttribute("role") ?? undefined,
  };
  for (const name of element.getAttributeNames()) {
    const own = /^data-track-(?!(view(-share|-time)?|mask)$)(.+)/.exec(name)?.[3];
    if (own) properties[own.replaceAll("-", "_")] = element.getAttribute(name);
  }
  return properties;
}

/**
 * What is written on an element, as it is seen. `around` leads from it to the window, through shadow roots; `mask`
 * selects what the site does not tell.
 */
export function visibleLabel(element: Element, around: EventTarget[], mask?: string): string | undefined {
  const untold = mask ? `${UNTOLD},${mask}` : UNTOLD;
  if (nearest(around, untold)) return undefined;
  // A container's text is content rather than a label.
  if (!element.matches(LABELLED) && element.childElementCount) return undefined;
  if (element.querySelector(untold)) return undefined;
  // With nothing around its text, that is what is seen, and no layout has to be waited for.
  const label = (element.childElementCount ? (element as HTMLElement).innerText : element.textContent)?.trim().replace(/\s+/g, " ").slice(0, LABEL * 4);
  return label ? Array.from(masked(label)).slice(0, LABEL).join("") : undefined;
}

/** Where a link leads, as far as privacy lets it be told. (An SVG link has no parts to tell.) */
export function destination(link: HTMLAnchorElement, addresses: Addresses): Record<string, unknown> {
  return {
    href: target(link, addresses),
    outbound: (isWeb(link) && link.host !== location.host) || undefined,
    download: link.hasAttribute("download") || FILE.test(link.pathname) || undefined,
  };
}
