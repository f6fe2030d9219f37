// One server for all: the pages, each visit on a host name of its own; the trackers' scripts; and the sink, which
// takes what the trackers send. Names under .localhost lead to this machine, and count as safe origins.
import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";
import { pageOf } from "./page.mjs";
import { until } from "./until.mjs";

const ISOLATED = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** A site for these trackers. */
export async function openSite(trackers) {
  const hosted = new Map();
  for (const tracker of trackers) hosted.set(tracker.id, await tracker.files());
  const visits = new Map();
  let last = 0;

  const server = createServer((request, response) => {
    const { host, pathname, searchParams } = new URL(request.url, `http://${request.headers.host}`);
    const [name] = host.split(".");
    if (name.startsWith("visit-")) return servePage(visits.get(name), searchParams, response);
    const tracker = trackers.find(({ id }) => id === name);
    const file = hosted.get(name)?.[pathname];
    // A beacon that comes after its visit was closed is of no interest.
    const [, from] = /^http:\/\/(visit-\d+)\./.exec(request.headers.origin ?? request.headers.referer) ?? [];
    const visit = visits.get(from);
    if (file && request.method === "GET") return serveFile(visit, pathname, file, response);
    return take(tracker, visit, pathname, request, response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();

  function servePage(visit, searchParams, response) {
    const isolated = searchParams.has("isolated") ? ISOLATED : {};
    if (!visit) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": "text/html", ...isolated });
    return response.end(pageOf(visit.tracker.head(`http://${visit.tracker.id}.localhost:${port}`)));
  }

  return {
    /** A visit of a tracker's page: its address, and what the sink has seen of it. */
    visit(tracker) {
      const name = `visit-${++last}`;
      const visit = { tracker, loaded: new Map(), events: [], errors: [] };
      visits.set(name, visit);
      return Object.assign(visit, {
        url: (query = "") => `http://${name}.localhost:${port}/${query}`,
        count: (event) => visit.events.filter((one) => one === event).length,
        /** Waits until the sink has so many events of that name. */
        arrived: (event, count, seconds) =>
          until(
            () => `${tracker.name}: ${count} × ${event} at the sink, which has ${visit.count(event)}; ${visit.errors[0] ?? ""}`,
            () => visit.count(event) >= count,
            seconds,
          ),
        end: () => visits.delete(name),
      });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

function serveFile(visit, path, file, response) {
  visit?.loaded.set(path, file);
  response.writeHead(200, {
    "content-type": path.endsWith(".wasm") ? "application/wasm" : "text/javascript",
    "cache-control": "public, max-age=31536000, immutable",
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
  });
  return response.end(file);
}

/** Takes what a tracker sends, with the answer and the CORS headers that it expects. */
function take(tracker, visit, path, request, response) {
  const { origin = "*", host } = request.headers;
  const headers = {
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-allow-headers": request.headers["access-control-request-headers"] ?? "content-type",
    "access-control-allow-methods": "GET, POST",
    "access-control-max-age": "600",
    "cross-origin-resource-policy": "cross-origin",
  };
  if (request.method === "OPTIONS") return response.writeHead(204, headers).end();
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const seen = { path, host, json: () => JSON.parse(textOf(Buffer.concat(chunks))) };
    try {
      if (request.method === "POST") visit?.events.push(...tracker.events(seen));
      const { status = 200, type = "text/plain", body = "" } = tracker.answer?.(seen) ?? {};
      response.writeHead(status, { "content-type": type, ...headers }).end(body);
    } catch (error) {
      visit?.errors.push(`${tracker?.name ?? host} sent to ${path} what cannot be read: ${error.message}`);
      response.writeHead(400, headers).end();
    }
  });
  return undefined;
}

/** A body as text; two of the trackers pack theirs. */
function textOf(body) {
  const isGzip = body[0] === 0x1f && body[1] === 0x8b;
  return (isGzip ? gunzipSync(body) : body).toString("utf8");
}
