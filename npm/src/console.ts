/** Words to the developer. A console that the page has replaced harms nothing. */
export function warn(...words: unknown[]): void {
  try {
    console.warn("[footfall]", ...words);
  } catch {
    // There is nobody to tell.
  }
}
