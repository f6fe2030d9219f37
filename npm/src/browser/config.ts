/**
 * What the server says that this site should capture, sample and count on: fetched when the page is idle, remembered for
 * the next page, never waited for. What the page itself says comes first.
 */
import type { Checked } from "../options.js";
import type { Store } from "./storage.js";

/** `GET /v1/config/{write_key}` (`docs/wire.md`). */
interface Config {
  capture?: object;
  sample_rate?: number;
  sample?: object;
  key_events?: string[];
}

/** The options with what the server says where the page says nothing. */
export function configured(options: Checked, text = ""): Checked {
  let config: Config = {};
  try {
    config = JSON.parse(text) as Config;
  } catch {}
  const { capture, sample_rate, sample, key_events } = config;
  return {
    ...(typeof sample_rate === "number" && { sampleRate: sample_rate }),
    ...(Array.isArray(key_events) && { keyEvents: key_events }),
    ...options,
    sample: { ...sample, ...options.sample },
    capture: { ...capture, ...options.capture },
  };
}

/** Fetches it; tells it where it is another one than the last. */
export async function fetchConfig({ endpoint, key }: Checked, stored: Store, changed: (text: string) => void): Promise<void> {
  try {
    const response = await fetch(`${endpoint}/v1/config/${encodeURIComponent(key)}`, { credentials: "omit" });
    const text = response.ok ? await response.text() : "";
    if (!text || text.length > 20_000 || text === stored.get("config")) return;
    stored.set("config", text);
    changed(text);
  } catch {
    // The next page asks again.
  }
}
