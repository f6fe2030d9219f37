// Waiting for a condition with a deadline: the only way in which these tests wait.
// What the condition is, and what it means that it never came, is left to the test.

/** What no waiting can mend. */
export class Final extends Error {}

/**
 * Asks `probe` again and again until it returns something truthy, and returns that.
 * A probe that throws counts as "not yet", and its last error is told when the deadline is over; unless it throws
 * a `Final`, which says that waiting on is in vain.
 * @param {string} what the condition in words, for the message
 * @param {number} deadlineMs
 * @param {() => any} probe may be async
 */
export async function until(what, deadlineMs, probe) {
  const start = performance.now();
  let lastError;
  for (;;) {
    try {
      const found = await probe();
      if (found) return found;
      lastError = undefined;
    } catch (error) {
      if (error instanceof Final) throw error;
      lastError = error;
    }
    if (performance.now() - start > deadlineMs) {
      const why = lastError ? `; the last try said: ${lastError.message}` : "";
      throw new Error(`${what}: not within ${deadlineMs / 1000} s${why}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
