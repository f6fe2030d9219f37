/**
 * Forms: sent, or touched and then left. Told are the names of the fields that were touched, in order, and never what
 * is in them.
 */
import type { Tools } from "../browser/extras.js";
import { told } from "./address.js";
import { listenInRoots } from "./roots.js";

/** The most names told of one form, and the most forms held at a time. */
const MOST = 50;
/** The longest name told. */
const NAME = 64;

/** A form that somebody has begun to fill in. */
interface Touched {
  since: number;
  /** Names in order; the element itself where its name is not told. */
  fields: Set<unknown>;
  /** The field that was touched last: one listener hears every key stroke. */
  last?: Element;
  /** It was told as abandoned, and not touched since. */
  isTold?: boolean;
}

export function captureForms({ guard, record, describe, target, masked, mask, hiding }: Tools): void {
  const touched = new Map<Element, Touched>();

  const tell = (name: string, form: Element, { fields, since }: Touched = { fields: new Set(), since: 0 }): void => {
    // A field named `name` or `action` takes the place of the form's own property.
    record(name, {
      ...describe(form),
      name: form.getAttribute("name") ?? undefined,
      action: told(form.getAttribute("action"), { target }),
      fields: [...fields].filter((field) => typeof field === "string").slice(0, MOST),
      count: fields.size,
      duration_ms: since ? Math.round(performance.now() - since) : undefined,
    });
  };
  const abandon = (form: Element, state: Touched): void => {
    if (!state.isTold) tell("form_abandon", form, state);
    state.isTold = true;
  };
  const forget = (form: Element): void => {
    touched.delete(form);
    if (!touched.size) removals.disconnect();
  };
  // Runs when a script is through: a form that was only moved is in its new place.
  const removals = new MutationObserver(
    guard.wrap(() => {
      for (const [form, state] of touched) {
        if (form.isConnected) continue;
        abandon(form, state);
        forget(form);
      }
    }),
  );

  guard.listen(window, "input", (event) => {
    const path = event.composedPath() as HTMLInputElement[];
    const [field] = path;
    const form = [field!.form, ...path].find((node) => node instanceof HTMLFormElement);
    if (!form) return;
    let state = touched.get(form);
    if (!state) {
      if (touched.size === MOST) return;
      touched.set(form, (state = { since: performance.now(), fields: new Set() }));
      for (const root of [document, form.getRootNode()]) removals.observe(root, { childList: true, subtree: true });
    }
    state.isTold = false;
    if (state.last === field) return;
    state.last = field!;
    // Where the field is inside a component of the form, the component may have the name.
    const elements = path.filter((node) => node instanceof Element);
    const inside = elements.slice(0, elements.includes(form as never) ? elements.indexOf(form as never) : 1);
    const names = inside.map((node) => node.getAttribute("name") || node.id);
    // A form's own `closest` may be one of its fields.
    const isMasked = elements.some((node) => !(node instanceof HTMLFormElement) && node.closest(mask));
    state.fields.add((!isMasked && masked(names.find(Boolean) ?? "").slice(0, NAME)) || field);
  });
  listenInRoots(guard, ["submit"], (event) => {
    const [form] = event.composedPath();
    if (!(form instanceof HTMLFormElement)) return;
    tell("form_submit", form, touched.get(form));
    forget(form);
  });
  hiding.push(() => {
    for (const [form, state] of touched) abandon(form, state);
  });
  guard.whenOff(() => removals.disconnect());
}
