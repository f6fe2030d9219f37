/** Addresses that a page gives as text. What of them may be told, the base knows. */
import type { Tools } from "../browser/extras.js";

/** Where an address leads; nothing where it is none. */
export function told(address: string | null | undefined, { target }: Pick<Tools, "target">): string | undefined {
  try {
    return address ? target(new URL(address, document.baseURI)) : undefined;
  } catch {
    return undefined;
  }
}
