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

/** Waits until `look` returns true, or the same for five seconds. */
export async function untilStill(look, seconds = 5) {
  let [found, since] = [undefined, Date.now()];
  while (found !== true && Date.now() - since < seconds * 1_000) {
    await pause(10);
    const now = look();
    if (now !== found) [found, since] = [now, Date.now()];
  }
}

/** A span in which a page is left alone while it is measured. */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
