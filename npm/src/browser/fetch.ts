/**
 * The transport for a page that lives: `fetch` with `keepalive`, so that a request outlives the page if it goes.
 * A string body travels as `text/plain`, which needs no CORS preflight.
 */

/** What became of a request. */
export interface Answer {
  /** 0 where there was none. */
  status: number;
  /** 0 where the server did not say. */
  retryAfterMs: number;
  /** Which events of the batch to send again. */
  retry: number[];
  /** The answer in words: a refusal, or each event that was not simply accepted. */
  words: string[];
}

interface Said {
  retry_after_ms?: number;
  reason?: string;
  events?: { index: number; event_id?: string; status: string; reason?: string }[];
}

/** Sends a body. Never rejects. */
export async function post(url: string, body: string): Promise<Answer> {
  let status = 0;
  let retryAfterMs = 0;
  let said: Said = {};
  try {
    const response = await fetch(url, { method: "POST", body, credentials: "omit", keepalive: true });
    status = response.status;
    retryAfterMs = Number(response.headers.get("retry-after")) * 1_000 || 0;
    // Whatever becomes of the body, the status counts.
    said = ((await response.json()) as Said | null) ?? {};
  } catch {}
  const events = Array.isArray(said.events) ? said.events : [];
  const words = events.map(({ event_id, status, reason }) => `event ${event_id} is ${status}: ${reason}`);
  if (!status) words.push("the server cannot be reached; the batch is kept and sent again");
  else if (status !== 200) words.push(`the server answered ${status}: ${said.reason}`);
  return {
    status,
    retryAfterMs: Number(said.retry_after_ms) || retryAfterMs,
    retry: events.filter((event) => event.status === "retry").map((event) => event.index),
    words,
  };
}
