import { attempt } from "./attempt.js";

/** Words to the developer. A console that the page has replaced harms nothing. */
export function warn(...words: unknown[]): void {
  attempt(() => console.warn("[footfall]", ...words));
}
