// The page's trace on its requests to its own origin, and on no others.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { countListeners, NOTHING } from "./support/listeners.mjs";
import { until } from "./support/site.mjs";
import { closeBrowsers, engines, visit } from "./support/visit.mjs";

after(closeBrowsers);

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const FORM = new RegExp(`^00-${TRACE}-(?!${SPAN})[0-9a-f]{16}-01$`);

/** An address that answers with what it was sent. */
async function echo(t) {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => { body += chunk; });
    request.on("end", () => {
      const { method, headers } = request;
      response.writeHead(200, { "content-type": "application/json", "access-control-allow-origin": "*" });
      response.end(JSON.stringify({ method, headers, body }));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close() && server.closeAllConnections());
  return `http://127.0.0.1:${server.address().port}`;
}

for (const engine of engines) {
  const visitTraces = async (t, options) => {
    // The page sees its own requests' headers through this.
    const visited = await visit(t, { engine, path: "/traces.html", prepare: countListeners, ...options });
    await until("the second part", () => visited.page.evaluate(() => !/native code/.test(String(window.XMLHttpRequest.prototype.send))));
    return visited;
  };

  test(`${engine}: fetch and XMLHttpRequest carry the page's trace, each with a span of its own`, async (t) => {
    const { page, served, errors } = await visitTraces(t);
    await page.evaluate(async () => {
      await fetch("/echo?1", { method: "POST", body: JSON.stringify({ events: [] }), headers: { "x-own": "1" } });
      await fetch(new URL("/echo?2", location.href), { method: "POST", body: '{"events":[]}', headers: new Headers([["x-own", "2"]]) });
      await fetch("/echo?3", { method: "POST", body: '{"events":[]}', headers: [["x-own", "3"]] });
      const request = new Request("/echo?4", { method: "POST", body: '{"events":[]}', headers: { "x-own": "4" } });
      const { status } = await fetch(request);
      window.used = [status, request.bodyUsed, request.headers.has("traceparent")];
      await fetch(new Request("/echo?5", { method: "POST", headers: { "x-own": "none" } }), { method: "POST", body: '{"events":[]}', headers: { "x-own": "5" } });
      await new Promise((resolve) => {
        const request = new XMLHttpRequest();
        request.open("POST", "/echo?6");
        request.setRequestHeader("x-own", "6");
        request.onload = resolve;
        request.send('{"events":[]}');
      });
    });
    const requests = served.requests.filter(({ url }) => url.pathname === "/echo");
    assert.deepEqual(requests.map(({ headers }) => headers["x-own"]), ["1", "2", "3", "4", "5", "6"]);
    for (const { headers } of requests) assert.match(headers.traceparent, FORM);
    assert.equal(new Set(requests.map(({ headers }) => headers.traceparent)).size, 6);
    assert.deepEqual(await page.evaluate(() => window.used), [200, true, false]);
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: requests to elsewhere, the SDK's own and those with a trace stay as they are`, async (t) => {
    const { page, served, arrived } = await visitTraces(t);
    const elsewhere = await echo(t);
    const own = `00-${TRACE}-00000000000000aa-00`;
    const answers = await page.evaluate(async (elsewhere, traceparent) => {
      // Its headers would need a preflight, which is not answered.
      const { headers } = await (await fetch(elsewhere)).json();
      const far = new XMLHttpRequest();
      const farHeaders = await new Promise((resolve) => {
        far.open("GET", elsewhere);
        far.onload = () => resolve(JSON.parse(far.responseText).headers);
        far.send();
      });
      const body = '{"events":[]}';
      await fetch("/echo?1", { method: "POST", body, headers: { Traceparent: traceparent } });
      await fetch(new Request("/echo?2", { method: "POST", body, headers: { traceparent } }));
      const request = new XMLHttpRequest();
      await new Promise((resolve) => {
        request.open("POST", "/echo?3");
        request.setRequestHeader("TraceParent", traceparent);
        request.onload = resolve;
        request.send(body);
      });
      // What it inherits would be lost in a copy.
      await fetch("/echo?4", Object.create({ method: "POST", body, headers: { "x-own": "4" } }));
      window.footfall.flush();
      return [headers.traceparent ?? null, farHeaders.traceparent ?? null];
    }, elsewhere, own);
    assert.deepEqual(answers, [null, null]);
    await arrived(1);
    const carried = (path) => served.requests.filter(({ url }) => url.pathname === path).map(({ headers }) => headers.traceparent);
    assert.deepEqual(carried("/echo"), [own, own, own, undefined]);
    assert.deepEqual(carried("/v1/events"), [undefined]);
  });

  test(`${engine}: a call that is wrong fails as it would without us`, async (t) => {
    const { page, errors } = await visitTraces(t);
    const outcome = await page.evaluate(async () => {
      const failed = async (run) => {
        try {
          await run();
          return "fine";
        } catch (error) {
          return error.name;
        }
      };
      const wrong = { method: "GET", body: "x" };
      const used = new Request("/echo", { method: "POST", body: '{"events":[]}' });
      await fetch(used);
      const stopped = new AbortController();
      stopped.abort();
      return [
        await failed(() => fetch()),
        await failed(() => fetch("http://[")),
        await failed(() => fetch("/echo", wrong)),
        await failed(() => fetch("/echo", { headers: { "bad name": "1" } })),
        await failed(() => fetch(used)),
        await failed(() => fetch("/echo", { signal: stopped.signal })),
        await failed(() => fetch(Symbol("x"))),
        await failed(() => new XMLHttpRequest().open()),
        await failed(() => new XMLHttpRequest().send()),
      ];
    });
    assert.deepEqual(outcome, ["TypeError", "TypeError", "TypeError", "TypeError", "TypeError", "AbortError", "TypeError", "TypeError", "InvalidStateError"]);
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: a page without a trace of the right form has none on its requests`, async (t) => {
    const { page, served } = await visitTraces(t);
    await page.evaluate(async () => {
      const meta = document.querySelector("meta[name=traceparent]");
      const { content } = meta;
      for (const wrong of ["", "00", content.replace("00-", "ff-"), content.replace(/-\w{32}-/, `-${"0".repeat(32)}-`), content.toUpperCase()]) {
        meta.content = wrong;
        await fetch("/echo", { method: "POST", body: '{"events":[]}' });
      }
      meta.remove();
      await fetch("/echo", { method: "POST", body: '{"events":[]}' });
    });
    const requests = served.requests.filter(({ url }) => url.pathname === "/echo");
    assert.deepEqual(requests.map(({ headers }) => headers.traceparent), Array(6).fill(undefined));
  });

  test(`${engine}: shutdown puts the page's functions back; what the page put over ours is left alone and works`, async (t) => {
    const { page, served } = await visitTraces(t, {
      prepare: async (page) => {
        await countListeners(page);
        await page.evaluateOnNewDocument(() => {
          const { open, send, setRequestHeader } = XMLHttpRequest.prototype;
          window.before = [window.fetch, open, send, setRequestHeader];
        });
      },
    });
    const isBefore = () =>
      page.evaluate(() => {
        const { open, send, setRequestHeader } = XMLHttpRequest.prototype;
        return [window.fetch, open, send, setRequestHeader].map((now, index) => now === window.before[index]);
      });
    assert.deepEqual(await isBefore(), [false, false, false, false]);
    await page.evaluate(async () => {
      const { fetch } = window;
      window.pages = (...args) => fetch(...args);
      window.fetch = window.pages;
      window.footfall.shutdown();
      await window.fetch("/echo", { method: "POST", body: '{"events":[]}' });
    });
    assert.deepEqual(await isBefore(), [false, true, true, true]);
    assert.equal(await page.evaluate(() => window.fetch === window.pages), true);
    assert.equal(served.requests.find(({ url }) => url.pathname === "/echo").headers.traceparent, undefined);
    assert.deepEqual(await page.evaluate(() => window.listening()), NOTHING);
  });
}
