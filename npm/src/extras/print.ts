/** Prints: the page is about to be printed, by the menu or by a script. Whether it then is, no browser tells. */
import type { Tools } from "../browser/extras.js";

export function capturePrints({ guard, record }: Tools): void {
  guard.listen(window, "beforeprint", () => record("print", {}));
}
