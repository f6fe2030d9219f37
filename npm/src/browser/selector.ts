/**
 * A short selector of an element that stays the same from visit to visit: from the nearest id or `data-track`, by tags
 * and positions. Classes are left out, since tools generate them, and so are ids that look generated. `>>>` leads into
 * a shadow root.
 */

const LONGEST = 120;
/** An id that somebody wrote: neither `:r1:` nor `ember1234`. */
const WRITTEN = /^(?!.*\d{3})[a-z][\w-]{0,40}$/i;
/** The place in a longer list says little. */
const COUNTED = 100;

export function selectorOf(element: Element, levels = 5): string {
  const { id, localName, parentElement } = element;
  const track = element.getAttribute("data-track");
  const name = WRITTEN.test(id) ? `#${id}` : track ? `[data-track="${track}"]` : "";
  const root = element.getRootNode();
  let above = "";
  if (levels && !name && parentElement && parentElement !== document.body) above = `${selectorOf(parentElement, levels - 1)}>`;
  else if (levels && root instanceof ShadowRoot) above = `${selectorOf(root.host, levels - 1)}>>>`;
  let place = 1;
  for (let other = element; place < COUNTED && (other = other.previousElementSibling!); ) {
    if (other.localName === localName) place++;
  }
  return (above + (name || (place > 1 ? `${localName}:nth-of-type(${place})` : localName))).slice(0, LONGEST);
}
