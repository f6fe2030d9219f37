// How batches travel while the page lives: packed, without a preflight, again where that helps and never where it does not.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { site, until } from "./support/site.mjs";
import { call, closeBrowsers, engines, names, visit } from "./support/visit.mjs";

after(closeBrowsers);

/** Nothing leaves by itself. */
const LATER = { flushInterval: 600_000 };
const TEXT = "many words ".repeat(300);

for (const engine of engines) {
  test(`${engine}: a server elsewhere is sent packed text, and never asked beforehand`, async (t) => {
    const server = await site();
    t.after(server.close);
    const init = { ...LATER, endpoint: server.origin, keyEvents: ["purchase"] };
    const { page, served } = await visit(t, { engine, init });
    await call(page, ["track", "large", { text: TEXT }], ["track", "small"], ["flush"]);
    await until("the batch", () => server.events().length === 2);
    const [{ url, type, bytes, headers }] = server.requests;
    assert.equal(url.search, "?key=pk_test&priority=normal&encoding=gzip");
    assert.match(type, /^text\/plain/);
    assert.ok(bytes < TEXT.length / 4, `${bytes} bytes`);
    assert.equal(headers.cookie, undefined);
    await call(page, ["track", "purchase"]);
    await until("the key event", () => server.events().length === 3);
    await call(page, ["track", "last", { text: TEXT }]);
    await page.goto("about:blank");
    await until("the beacon", () => server.events().length === 4);
    assert.ok(server.requests.every((request) => request.type.startsWith("text/plain")));
    assert.equal(server.preflights(), 0);
    assert.equal(served.requests.length, 0);
  });

  for (const [what, refusal] of [
    ["the header Retry-After", { headers: { "retry-after": "1" } }],
    ["retry_after_ms", { retry_after_ms: 1_000 }],
  ]) {
    test(`${engine}: ${what} is kept to`, async (t) => {
      const times = [];
      const answer = () => times.push(performance.now()) === 1 && { status: 503, code: "overloaded", ...refusal };
      const { page, arrived, served } = await visit(t, { engine, answer, init: LATER });
      await call(page, ["track", "a"], ["flush"], ["track", "b"]);
      await arrived(2);
      assert.ok(times[1] - times[0] >= 990, `${times[1] - times[0]} ms`);
      const [first, again] = served.requests.map(({ batch }) => batch);
      assert.deepEqual([first.batch_id, first.events], [again.batch_id, again.events]);
      assert.deepEqual(names(served.events()), ["a", "b"], "in order");
    });
  }

  test(`${engine}: what is too large goes in halves, with the same events in the same order`, async (t) => {
    const answer = (batch) => batch.events.length > 2 && { status: 413, code: "batch_too_large" };
    const { page, arrived, served } = await visit(t, { engine, answer, init: LATER });
    await call(page, ...["a", "b", "c", "d", "e"].map((name) => ["track", name]), ["flush"]);
    const events = await arrived(5);
    assert.deepEqual(names(events), ["a", "b", "c", "d", "e"]);
    const [{ batch }] = served.requests;
    assert.deepEqual(events.map(({ event_id }) => event_id), batch.events.map(({ event_id }) => event_id));
    assert.equal(new Set(served.requests.map((request) => request.batch.batch_id)).size, served.requests.length);
  });

  test(`${engine}: any other refusal is final, and reported`, async (t) => {
    const answer = (_, count) => count === 1 && { status: 403, code: "origin_not_allowed", reason: "not from here" };
    const init = () => ({
      flushInterval: 600_000,
      debug: true,
      onDropped: (event, reason) => (window.dropped ??= []).push([event.event, reason]),
    });
    const { page, arrived, served, said } = await visit(t, { engine, answer, init });
    await call(page, ["track", "a"], ["track", "b"], ["flush"]);
    await until("the refusal", () => page.evaluate(() => window.footfall.state().refused === 2));
    assert.deepEqual(await page.evaluate(() => window.dropped), [["a", "not from here"], ["b", "not from here"]]);
    assert.ok(said.some((line) => /the server answered 403: not from here/.test(line)), said.join("\n"));
    await call(page, ["track", "c"], ["flush"]);
    assert.deepEqual(names(await arrived(1)), ["c"]);
    assert.equal(served.requests.length, 2);
    const left = () => page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes(":batch:")).length);
    await until("all to be forgotten", async () => (await left()) === 0);
  });

  test(`${engine}: a connection that breaks off is no answer, and the batch goes again`, async (t) => {
    const answer = (_, count) => count === 1 && { status: 0 };
    const { page, arrived, served } = await visit(t, { engine, answer, init: LATER });
    await call(page, ["track", "a"], ["flush"]);
    assert.deepEqual(names(await arrived(1)), ["a"]);
    const ids = served.requests.map(({ batch }) => [batch.batch_id, batch.events[0].event_id].join());
    assert.equal(new Set(ids).size, 1);
    await until("the answer", () => page.evaluate(() => window.footfall.state().queued === 0));
  });

  test(`${engine}: a network that is back is tried at once, however often it failed before`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        window.attempts = 0;
        const { fetch } = window;
        const fails = () => ++attempts < 12 && Promise.reject(new TypeError("offline"));
        window.fetch = (url, how) => (how?.method === "POST" && fails()) || fetch(url, how);
      });
    const { page, served } = await visit(t, { engine, init: LATER, prepare });
    await call(page, ["track", "a"], ["flush"]);
    // After ten failures a minute would be waited.
    await until("the event", async () => {
      await page.evaluate(() => dispatchEvent(new Event("online")));
      return served.events().length === 1;
    });
    assert.equal(await page.evaluate(() => attempts), 12);
  });

  test(`${engine}: a success without readable words is none: the batch goes again under its id`, async (t) => {
    const answer = (_, count) => ({ text: ["", "{", "{}"][count - 1] });
    const { page, served } = await visit(t, { engine, answer, init: LATER });
    await call(page, ["track", "like"], ["flush"]);
    await until("the third answer", () => page.evaluate(() => window.footfall.state()?.sent === 1));
    assert.equal(new Set(served.requests.map(({ batch }) => batch.batch_id)).size, 1);
    assert.equal(served.requests.length, 3);
  });

  test(`${engine}: whatever is answered, the status counts and nothing breaks`, async (t) => {
    const texts = ["null", "[]", '"words"', '{"events":[null]}', '{"events":"all","receipts":5}', '{"receipts":[{}]}', '{"receipts":[null]}',
      '{"events":[{"index":7}]}', '{"retry_after_ms":"soon"}'];
    const answer = (_, count) => ({ text: texts[count - 1] });
    const { page, served, errors, said } = await visit(t, { engine, answer, init: { ...LATER, debug: true } });
    for (const [count, text] of texts.entries()) {
      await call(page, ["track", "like"], ["flush"]);
      await until(`the event that is answered ${text}`, () => page.evaluate((sent) => window.footfall.state()?.sent === sent, count + 1));
    }
    assert.equal(served.requests.length, texts.length);
    assert.deepEqual(said.filter((line) => /failed/.test(line)), []);
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: events leave by count, or after their time, in one batch each`, async (t) => {
    const { page, arrived, served } = await visit(t, { engine, init: { flushInterval: 300, flushCount: 3 } });
    await call(page, ...["a", "b", "c", "d"].map((name) => ["track", name]));
    await arrived(4);
    assert.deepEqual(served.requests.map(({ batch }) => batch.events.map(({ event }) => event)), [["a", "b", "c"], ["d"]]);
  });
}
