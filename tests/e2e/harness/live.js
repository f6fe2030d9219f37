// What the server has just accepted, from the live view on its admin address (Server-Sent Events).
// A test waits on it for what must be there; what is stored is read from the topic or the journal.
import { until } from "./wait.js";

/** Watches a server from now on; `close()` it in the end. */
export async function watch(server) {
  const stopped = new AbortController();
  const answer = await fetch(`${server.adminUrl}/debug/events?replay=1000`, { signal: stopped.signal });
  if (!answer.ok) throw new Error(`the live view answers ${answer.status}`);
  const accepted = [];
  const reading = read(answer.body, accepted).catch((error) => {
    if (!stopped.signal.aborted) throw error;
  });
  return {
    /** The records of accepted events, in the order of their acceptance. */
    accepted,
    /** Waits until `wanted` holds for the accepted records. */
    until: (what, wanted, deadlineMs = 20_000) =>
      until(what, deadlineMs, () => wanted(accepted)).catch((error) => {
        throw new Error(`${error.message}; accepted were: ${accepted.map(nameOf).join(", ") || "none"}`);
      }),
    close: async () => {
      stopped.abort();
      await reading;
    },
  };
}

/** What an event is called in a test: the name of a `track`, else the type. */
export function nameOf(payload) {
  return payload.event ?? payload.type;
}

async function read(stream, accepted) {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = block.split("\n");
      if (!fields.includes("event: accepted")) continue;
      const data = fields.filter((field) => field.startsWith("data: ")).map((field) => field.slice(6));
      accepted.push(JSON.parse(data.join("\n")));
    }
  }
}
