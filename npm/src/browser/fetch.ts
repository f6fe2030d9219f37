/**
 * The transport for a page that lives: `fetch` with `keepalive`, so that a request outlives the page if it goes.
 * The body travels as `text/plain`, which needs no CORS preflight; packed where that pays, named in the query.
 */

/** What became of a request. */
export interface Answer {
  /** 0 where there was none. */
  status: number;
  /** 0 where the server did not say. */
  retryAfterMs: number;
  /** What became of single events; those that are not named were accepted. */
  events: EventResult[];
  /** What the server knows of batches that had left without an answer. */
  receipts: { batch_id: string; status: string }[];
  /** Why it was refused as a whole. */
  reason?: string | undefined;
}

export interface EventResult {
  index: number;
  event_id?: string;
  status: string;
  reason?: string;
}

type Said = Partial<Answer> & { retry_after_ms?: number };

/** Smaller bodies fit into one packet as they are. */
const PACKED_FROM = 1_200;
/** All keepalive requests and beacons of a page may have 64 KiB under way (Fetch Standard); above it they would fail. */
const KEEPALIVE = 60_000;
let underWay = 0;
/** What sends the bodies that wait for a later task or are being packed, in order. */
const waiting = new Set<() => void>();

/** The page goes: what waits is sent as it is, now, before anything that leaves by beacon. */
export function hurry(): void {
  for (const go of waiting) go();
}

/** Whatever a server says, a list. */
function list<Item>(items?: Item[]): Item[] {
  return Array.isArray(items) ? items : [];
}

/**
 * Sends a body: in a later task, for a request costs the page more than all else, and nobody who has just done
 * something waits for it; packed where that pays. Never rejects; the core waits for an answer for a time of its own.
 */
export function post(url: string, body: string): Promise<Answer> {
  return new Promise((resolve) => {
    const go = (packed?: Blob): void => {
      if (waiting.delete(go)) resolve(send(url, body, packed));
    };
    waiting.add(go);
    if (body.length < PACKED_FROM) setTimeout(go);
    // Not every browser can.
    else gzip(body).then(go, () => go());
  });
}

async function send(url: string, body: string, packed?: Blob): Promise<Answer> {
  let status = 0;
  let said: Said = {};
  const { size } = packed ?? new Blob([body]);
  underWay += size;
  try {
    const response = await fetch(packed ? `${url}&encoding=gzip` : url, {
      method: "POST",
      body: packed ?? body,
      credentials: "omit",
      keepalive: underWay <= KEEPALIVE,
    });
    const retry_after_ms = Number(response.headers.get("retry-after")) * 1_000;
    status = response.ok ? 0 : response.status;
    said = { retry_after_ms, ...((await response.json()) as Said | null) };
    // Without its words, a success may be that of a half of the batch, or of somebody who is no server of ours.
    status = response.status;
  } catch {}
  underWay -= size;
  return {
    status,
    // Whatever it is, a whole number.
    retryAfterMs: said.retry_after_ms! >>> 0,
    events: list(said.events),
    receipts: list(said.receipts),
    reason: said.reason,
  };
}

async function gzip(body: string): Promise<Blob> {
  const stream = new Blob([body]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Blob([await new Response(stream).arrayBuffer()], { type: "text/plain" });
}
