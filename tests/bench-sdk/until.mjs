// Waiting for something to be so.

/** Waits until `look` returns something; `what` says what was waited for. */
export async function until(what, look, seconds = 20) {
  const deadline = Date.now() + seconds * 1_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s in vain for ${what()}`);
    await pause(10);
  }
}

/** A span in which a page is left alone while it is measured. */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
