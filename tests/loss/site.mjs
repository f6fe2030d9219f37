// The page of one run, on an origin of its own, so that runs at the same time share no storage; the SDK and the server
// are on another origin, as in real life.
import { once } from "node:events";
import { createServer } from "node:http";

/**
 * @param {{ line: string, run: string, key: string, flushInterval: number, fill: boolean, referrerPolicy?: string }} what
 *   `fill`: the page has taken all of its storage before the SDK comes
 */
export async function openSite({ referrerPolicy, ...what }) {
  const pages = {
    "/page.html": page({ ...what, isFirst: true }),
    "/next.html": page({ ...what, isFirst: false }),
    "/left.html": '<!doctype html><html lang="en"><head><link rel="icon" href="data:,"><title>Left</title></head></html>',
  };
  const server = createServer((request, response) => {
    const text = pages[new URL(request.url, "http://site").pathname];
    const policy = referrerPolicy ? { "referrer-policy": referrerPolicy } : {};
    response.writeHead(text ? 200 : 404, { "content-type": "text/html; charset=utf-8", ...policy }).end(text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function page({ line, run, key, flushInterval, fill, isFirst }) {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <link rel="icon" href="data:," />
    <title>Loss</title>
    <script>
      (${inPage})(${JSON.stringify({ run, fill: fill && isFirst })});
    </script>
    <script async src="${line}/sdk/footfall.js" data-key="${key}" data-key-events="loss_key" data-flush-interval="${flushInterval}"></script>
  </head>
  <body>
    <a id="next" href="/left.html">Next</a>
  </body>
</html>`;
}

/** Runs in the page, before the SDK. */
function inPage({ run, fill }) {
  /** Tells the events `from` to `to`, every seventh of them one that the site counts on. */
  window.tell = (from, to, more = {}) => {
    for (let n = from; n < to; n++) window.footfall.track(n % 7 === 4 ? "loss_key" : "loss", { run, n, ...more });
  };
  window.tellWithClick = (from, to, more) => {
    document.querySelector("#next").addEventListener("click", () => window.tell(from, to, more));
  };
  addEventListener("pageshow", ({ persisted }) => {
    window.persisted = persisted;
  });
  // Whether an attempt to send has failed yet is nowhere else to be seen.
  window.failures = 0;
  const { fetch } = window;
  window.fetch = (...args) => {
    const answer = fetch(...args);
    answer.catch(() => window.failures++);
    return answer;
  };
  if (fill) {
    for (let size = 4 << 20; size >= 1; ) {
      try {
        localStorage[`page ${size} ${localStorage.length}`] = "x".repeat(size);
      } catch {
        size >>= 1;
      }
    }
  }
}
