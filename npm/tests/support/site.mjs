// A small site for the tests: pages from tests/fixtures/, the built SDK under /sdk/, and an ingest address that
// keeps what it is sent. It answers as the server does; what is in the answers is each test's to say.
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const ROOTS = { "/sdk/": join(here, "../../dist/sdk"), "/": join(here, "../fixtures") };
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".wasm": "application/wasm" };

/** A site on a free port. `headers(path)` adds headers to a page, `answer(batch)` replaces the answer to a batch. */
export async function site({ headers = () => ({}), answer, roots = {}, blocked = () => false } = {}) {
  const requests = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://site");
    if (request.method === "POST") {
      receive(request, (body) => {
        const batch = JSON.parse(body);
        requests.push({ url, batch, type: request.headers["content-type"], headers: request.headers, bytes: Buffer.byteLength(body) });
        const { status = 200, ...said } = answer?.(batch, requests.length) ?? { accepted: batch.events.length };
        response.writeHead(status, { "content-type": "application/json", "access-control-allow-origin": "*" });
        response.end(JSON.stringify({ code: "ok", ...said }));
      });
      return;
    }
    const all = { ...ROOTS, ...roots };
    const prefixes = Object.keys(all).filter((prefix) => url.pathname.startsWith(prefix));
    const root = prefixes.toSorted((one, other) => other.length - one.length)[0];
    const file = join(all[root], url.pathname.slice(root.length) || "index.html");
    if (!existsSync(file) || blocked(url.pathname)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "text/plain", ...headers(url.pathname) });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    requests,
    /** All events so far, each with the context that holds for it. */
    events: () =>
      requests.flatMap(({ batch }) =>
        batch.events.map((event) => ({ ...event, context: { ...batch.context, ...event.context } })),
      ),
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

function receive(request, done) {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => done(Buffer.concat(chunks).toString("utf8")));
}

/** Waits until `look` returns something, at most ten seconds; `what` says what was waited for. */
export async function until(what, look) {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ten seconds in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
