/** Copies: how much was selected and where, never the text. */
import type { Tools } from "../browser/extras.js";

export function captureCopies({ guard, record, describe }: Tools): void {
  guard.listen(window, "copy", (event) => {
    const element = event.composedPath().find((node) => node instanceof Element);
    const { selectionStart, selectionEnd } = (element ?? {}) as HTMLInputElement;
    // What is selected in a field is not part of the page's selection in every engine.
    const length = selectionEnd! - selectionStart! || `${getSelection() ?? ""}`.length;
    record("copy", { ...(element && describe(element)), length });
  });
}
