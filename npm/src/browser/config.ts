/**
 * What the server says that this site should capture, sample and count on: fetched when the page is idle, remembered for
 * the next page, never waited for. What the page itself says comes first.
 */
import { attempt } from "../attempt.js";
import type { Checked } from "../options.js";

/** The longest text that is taken. */
const LONGEST = 20_000;

/** The options with what the server says (`docs/wire.md`) where the page says nothing. */
export function configured(options: Checked, text = "{}"): Checked {
  const config = attempt(() => JSON.parse(text)) as { [name: string]: unknown } | null | undefined;
  const { capture, sample_rate, sample, key_events } = config ?? {};
  return {
    sampleRate: sample_rate as number,
    keyEvents: key_events as string[],
    ...options,
    sample: { ...(sample as object), ...options.sample },
    capture: { ...(capture as object), ...options.capture },
  };
}

/** Fetches it; tells it where it is one. */
export async function fetchConfig({ endpoint, key }: Checked, told: (text: string) => void): Promise<void> {
  try {
    const response = await fetch(`${endpoint}/v1/config/${encodeURIComponent(key)}`, { credentials: "omit" });
    const text = await response.text();
    if (response.ok && text.length < LONGEST) told(text);
  } catch {
    // The next page asks again.
  }
}
