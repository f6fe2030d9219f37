// What the server does with batches, in short (docs/wire.md): each is stored once, and receipts tell of earlier ones.

/** Results after which an event is not stored, now or ever. */
const NOT_STORED = new Set(["retry", "invalid", "dropped"]);

export function ingest() {
  const events = [];
  /** By batch id, the ids of its events that are stored; complete where none of them is to come again. */
  const batches = new Map();

  return {
    /** Takes a batch that is answered so; returns the rest of the answer. */
    take({ batch_id, unconfirmed = [], context, events: sent }, status, { events: results = [] }) {
      const receipts = unconfirmed.map((id) => ({ batch_id: id, status: batches.get(id)?.isComplete ? "stored" : "unseen" }));
      let accepted = 0;
      if (status === 200) {
        const known = batches.get(batch_id) ?? { stored: new Set(), isComplete: false };
        const refused = new Set(
          Array.isArray(results) ? results.filter((result) => NOT_STORED.has(result?.status)).map(({ index }) => index) : [],
        );
        for (const [index, event] of sent.entries()) {
          if (refused.has(index) || known.isComplete || known.stored.has(event.event_id)) continue;
          known.stored.add(event.event_id);
          accepted++;
          events.push({ ...event, context: { ...context, ...event.context } });
        }
        known.isComplete ||= !results?.some?.((result) => result?.status === "retry");
        // What the loader sends has none.
        if (batch_id) batches.set(batch_id, known);
      }
      const code = status === 200 ? "ok" : "refused";
      return { code, accepted, duplicate: sent.length - accepted, ...(receipts.length && { receipts }) };
    },
    events: () => [...events],
  };
}
