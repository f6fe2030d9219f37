// A small site for the tests: pages from tests/fixtures/, the built SDK under /sdk/ and as a package under /npm/, and
// the server's addresses. It takes batches as the server does: each is stored once, and told of when it is asked for.
import { createReadStream, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { ingest } from "./ingest.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const ROOTS = { "/sdk/": join(here, "../../dist/sdk"), "/npm/": join(here, "../../dist"), "/": join(here, "../fixtures") };
/** Ports of sites there were: WebKitGTK's contexts share one profile, where an origin that comes again has a past. */
const taken = new Set();
/** What pages are prepared with, and where an engine without a console of its own tells what was said. */
const PREPARED = "/__prepared.js";
const SAID = "/__said";
const CONFIG = "/v1/config/";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".wasm": "application/wasm" };
const CORS = { "access-control-allow-origin": "*", "access-control-allow-headers": "*" };

/**
 * A site on a free port. `headers(path)` adds headers to a file; `answer(batch, count)` replaces the answer to a batch,
 * where a `status` of 0 is none at all and `text` is the whole of it; `config(count)` is the text that `GET /v1/config`
 * answers, or a status. Each of them may be a promise.
 */
export async function site({ headers = () => ({}), answer, config = () => "{}", roots = {}, blocked = () => false } = {}) {
  const requests = [];
  const configs = [];
  const prepared = [];
  const hearing = new Set();
  const store = ingest();
  let preflights = 0;
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://site");
    if (url.pathname === SAID) {
      receive(request, (line) => {
        for (const hear of hearing) hear(line.toString("utf8"));
        response.writeHead(204).end();
      });
      return;
    }
    if (url.pathname === PREPARED) {
      response.writeHead(200, { "content-type": TYPES[".js"], "cache-control": "no-store" });
      response.end(["document.currentScript.remove();", ...prepared].join("\n"));
      return;
    }
    if (request.method === "OPTIONS") {
      preflights++;
      response.writeHead(204, CORS).end();
      return;
    }
    if (url.pathname.startsWith(CONFIG)) {
      configs.push(url);
      const said = await config(configs.length);
      response.writeHead(typeof said === "number" ? said : 200, { "content-type": "application/json", "cache-control": "no-store", ...CORS });
      response.end(String(said));
      return;
    }
    if (request.method === "POST") {
      receive(request, async (sent) => {
        const body = url.searchParams.get("encoding") === "gzip" ? gunzipSync(sent).toString("utf8") : sent.toString("utf8");
        const batch = JSON.parse(body);
        requests.push({ url, batch, type: request.headers["content-type"], headers: request.headers, bytes: sent.length });
        const { status = 200, headers: more, text, ...said } = (await answer?.(batch, requests.length)) || {};
        const taken = store.take(batch, status, said);
        if (!status) {
          request.socket.destroy();
          return;
        }
        response.writeHead(status, { "content-type": "application/json", ...CORS, ...more });
        response.end(text ?? JSON.stringify({ ...taken, ...said }));
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
    const head = { "content-type": TYPES[extname(file)] ?? "text/plain", ...CORS, ...(await headers(url.pathname)) };
    response.writeHead(200, head);
    if (prepared.length && extname(file) === ".html") response.end(withScript(await readFile(file, "utf8"), head));
    else createReadStream(file).pipe(response);
  });
  do {
    if (server.listening) await new Promise((resolve) => server.close(resolve));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  } while (taken.has(server.address().port));
  taken.add(server.address().port);
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    requests,
    configs,
    preflights: () => preflights,
    /** Runs a function before all else in each page from now on, in every engine alike. */
    prepare: (run, ...args) => prepared.push(`(${run})(...${JSON.stringify(args)});`),
    /** Hears what the console of each page from now on is told, for an engine whose driver does not tell it. */
    hearConsole(hear) {
      if (!hearing.size) prepared.push(`(${reportConsole})("${SAID}");`);
      hearing.add(hear);
    },
    /** The events that are stored by now, each with the context that holds for it. */
    events: store.events,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

/** As an address of the site, and with the policy's nonce, so that a strict policy lets it run. */
function withScript(html, head) {
  const [, nonce = ""] = /'nonce-([^']+)'/.exec(head["content-security-policy"] ?? "") ?? [];
  const [opened] = /<head[^>]*>/i.exec(html) ?? [];
  if (!opened) throw new Error("a page that is to be prepared needs a <head>");
  return html.replace(opened, `${opened}<script src="${PREPARED}" nonce="${nonce}"></script>`);
}

/** Runs in the page: tells the site what the console is told, at once, so that nothing that follows is known before. */
function reportConsole(address) {
  const Request = XMLHttpRequest;
  for (const kind of ["debug", "error", "info", "log", "warn"]) {
    const say = console[kind];
    console[kind] = (...words) => {
      say.apply(console, words);
      try {
        const request = new Request();
        request.open("POST", address, false);
        request.send(words.map(String).join(" "));
      } catch {
        // A page that is going may not wait.
      }
    };
  }
}

function receive(request, done) {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => done(Buffer.concat(chunks)));
}

/** Waits until `look` returns something, at most thirty seconds: busy machines have slow browsers. `what` is waited for. */
export async function until(what, look) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited thirty seconds in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
