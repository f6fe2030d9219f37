// What leaves with a page, and what is kept of it: nothing is lost, and nothing is stored twice.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "./support/site.mjs";
import { call, closeBrowsers, engines, kept, names, visit } from "./support/visit.mjs";

after(closeBrowsers);

const init = { flushInterval: 600_000 };
const BATCH = /^footfall:pk_test:batch:(.+)/;

/** The ids of the batches that are kept. */
const batches = async (page) => Object.keys((await kept(page)).local).flatMap((name) => BATCH.exec(name)?.[1] ?? []);

/** Until this page asks for what another one left. */
const takenOver = (page) => until("the batch to be taken over", () => page.evaluate(() => window.footfall.state().unconfirmed > 0));

/** On the first page beacons do not leave: they are refused, or lost on the way; nor does what is fetched then. */
const loses = ({ refused = false, fetched = false } = {}) => (page) =>
  page.evaluateOnNewDocument(
    (refused, fetched) => {
      if (location.search) return;
      navigator.sendBeacon = () => !refused;
      if (fetched) return;
      const { fetch } = window;
      window.fetch = (url, how) => (how?.method === "POST" ? Promise.reject(new TypeError("offline")) : fetch(url, how));
    },
    refused,
    fetched,
  );

for (const engine of engines) {
  test(`${engine}: where the beacon is refused, what leaves is fetched`, async (t) => {
    const { page, arrived, served } = await visit(t, { engine, init, prepare: loses({ refused: true, fetched: true }) });
    await call(page, ["track", "a"], ["track", "b"]);
    await page.goto("about:blank");
    assert.deepEqual(names(await arrived(2)), ["a", "b"]);
    assert.equal(served.requests.length, 1);
  });

  test(`${engine}: what waits for its task leaves before the beacons of a page that goes`, async (t) => {
    const { page, arrived } = await visit(t, { engine, init });
    const order = await page.evaluate((text) => {
      const order = [];
      const { fetch } = window;
      window.fetch = (...request) => order.push("fetch") && fetch(...request);
      navigator.sendBeacon = () => order.push("beacon") > 0;
      // One that is packed, and what comes after it.
      footfall.track("large", { text });
      footfall.flush();
      footfall.track("last");
      dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
      return order;
    }, "many words ".repeat(300));
    assert.deepEqual(order, ["fetch", "beacon"]);
    assert.deepEqual(names(await arrived(1)), ["large"]);
  });

  test(`${engine}: what could not leave is sent by the next page, with the same ids`, async (t) => {
    const { page, arrived, served, go } = await visit(t, { engine, init, prepare: loses({ refused: true }) });
    await call(page, ["track", "a"], ["track", "b"]);
    const [id] = await batches(page);
    const before = (await kept(page)).local[`footfall:pk_test:batch:${id}`];
    await go("/own.html?next");
    await takenOver(page);
    // The server is asked first, with the next request.
    await call(page, ["track", "c"], ["flush"]);
    const events = await arrived(3);
    assert.deepEqual(names(events), ["c", "a", "b"]);
    assert.deepEqual(served.requests[0].batch.unconfirmed, [id]);
    assert.equal(served.requests[1].batch.batch_id, id);
    for (const { event_id } of events.slice(1)) assert.ok(before.includes(event_id), event_id);
    await until("it to be forgotten", async () => (await batches(page)).length === 0);
  });

  test(`${engine}: a page that ends without a word leaves its events to the next one, which sends them at once`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        if (location.search) return;
        // As if the process were gone.
        for (const kind of ["pagehide", "visibilitychange"]) addEventListener(kind, (event) => event.stopImmediatePropagation(), true);
      });
    const { page, arrived, go, served } = await visit(t, { engine, init, prepare });
    await call(page, ["track", "a"], ["track", "b"]);
    const ids = await batches(page);
    // It was to be free only when that page would have been late.
    await page.evaluate(() => {
      for (const [key, text] of Object.entries(localStorage)) if (key.includes(":batch:")) localStorage[key] = text.replace(/^\d+/, "0");
    });
    await go("/own.html?next");
    assert.deepEqual(names(await arrived(2)), ["a", "b"]);
    assert.deepEqual(served.requests.map(({ batch }) => batch.batch_id), ids);
  });

  test(`${engine}: a beacon is asked for by the next page, and forgotten when the server has it`, async (t) => {
    const hooked = () => ({
      flushInterval: 600_000,
      onSent: (event, status) => (window.sent ??= []).push([event.event, status]),
    });
    const { page, arrived, served, go } = await visit(t, { engine, init: hooked });
    await call(page, ["track", "a"]);
    const [id] = await batches(page);
    await go("/own.html?next");
    assert.deepEqual(await batches(page), [id], "kept until it is confirmed");
    await takenOver(page);
    await call(page, ["track", "b"], ["flush"]);
    assert.deepEqual(names(await arrived(2)), ["a", "b"]);
    await until("it to be forgotten", async () => (await batches(page)).length === 0);
    assert.deepEqual(served.requests.at(-1).batch.unconfirmed, [id]);
    assert.deepEqual(await page.evaluate(() => window.sent), [["b", "accepted"], ["a", "stored"]]);
    assert.equal(await page.evaluate(() => window.footfall.state().unconfirmed), 0);
    await call(page, ["track", "c"], ["flush"]);
    await arrived(3);
    assert.deepEqual(served.requests.at(-1).batch.unconfirmed, []);
  });

  test(`${engine}: a beacon that the server has not seen goes again under its id; of one that it forgot the events are marked`, async (t) => {
    for (const status of ["unseen", "expired"]) {
      const answer = ({ unconfirmed }) => unconfirmed?.length && { receipts: unconfirmed.map((batch_id) => ({ batch_id, status })) };
      const { page, arrived, served, go } = await visit(t, { engine, init, answer, prepare: loses() });
      await call(page, ["track", "a"]);
      const [id] = await batches(page);
      await go("/own.html?next");
      await takenOver(page);
      await call(page, ["track", "b"], ["flush"]);
      const events = await arrived(2);
      assert.deepEqual(names(events), ["b", "a"]);
      assert.equal(served.requests[1].batch.batch_id, id);
      assert.equal(events[1].possible_duplicate ?? false, status === "expired");
    }
  });

  for (const [how, prepare] of [
    ["", undefined],
    [" where there are no locks", (page) => page.evaluateOnNewDocument(() => Object.defineProperty(Navigator.prototype, "locks", { value: undefined }))],
  ]) {
    test(`${engine}: what a page left behind is sent by one of two tabs${how}`, async (t) => {
      // A page of the site that has no tracker.
      const { page, newPage, go, arrived, served } = await visit(t, { engine, init: {}, path: "/gate.js", wait: false, prepare });
      await page.evaluate(() => {
        const id = "01900000-0000-7000-8000-000000000001";
        const event = '"event_id":"01900000-0000-7000-8000-000000000002","type":"track","event":"left_behind","timestamp":1';
        localStorage[`footfall:pk_test:batch:${id}`] = `0 gone\n${id}\n0000\n"locale":"en"\n${event}`;
      });
      const tabs = [await newPage(), await newPage()];
      await Promise.all(tabs.map((tab) => go("/own.html", tab)));
      for (const tab of tabs) await call(tab, ["track", "end"]);
      await arrived(3);
      const holds = ({ batch }) => batch.events.some(({ event }) => event === "left_behind");
      assert.equal(served.requests.filter(holds).length, 1);
      await until("it to be forgotten", async () => (await batches(tabs[0])).length === 0);
    });
  }

  test(`${engine}: where there are no locks a page that follows at once takes over what was left`, async (t) => {
    const prepare = async (page) => {
      await page.evaluateOnNewDocument(() => Object.defineProperty(Navigator.prototype, "locks", { value: undefined }));
      await loses()(page);
    };
    const { page, arrived, go } = await visit(t, { engine, init, prepare });
    await call(page, ["track", "a"]);
    await go("/own.html?next");
    await takenOver(page);
    await call(page, ["track", "b"], ["flush"]);
    assert.deepEqual(names(await arrived(2)), ["b", "a"]);
  });

  test(`${engine}: where storage is full, events go on and leave with the page`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        for (const storage of [localStorage, sessionStorage]) {
          for (let size = 2 ** 20; size >= 1; size >>= 1) {
            try {
              for (let part = 0; ; part++) storage[`filled ${size} ${part}`] = "x".repeat(size);
            } catch {
              // Full at this size.
            }
          }
        }
      });
    const { page, arrived, errors } = await visit(t, { engine, init, prepare });
    await call(page, ["track", "a"], ["identify", "ann"], ["flush"], ["track", "b"]);
    await arrived(2);
    await call(page, ["track", "c"]);
    assert.deepEqual(await batches(page), []);
    assert.deepEqual(await errors(), []);
    await page.goto("about:blank");
    const events = await arrived(4);
    assert.deepEqual(names(events), ["a", "identify", "b", "c"]);
    assert.equal(new Set(events.map(({ context }) => context.anonymous_id)).size, 1);
  });

  test(`${engine}: at the bound the oldest go, key events last, and the server and the page are told`, async (t) => {
    const hooked = () => ({
      flushInterval: 600_000,
      storageBytes: 10_000,
      keyEvents: ["purchase"],
      onDropped: (event, reason) => (window.dropped ??= []).push([event.event, reason]),
    });
    const answer = (_, count) => count === 1 && { status: 503, retry_after_ms: 2_000 };
    const { page, arrived, served } = await visit(t, { engine, init: hooked, answer });
    await call(page, ["track", "purchase", { text: "x".repeat(900) }]);
    await until("the first attempt", () => served.requests.length === 1);
    const many = [...Array.from({ length: 20 }).keys()].map((at) => `n${at + 10}`);
    await call(page, ...many.map((name) => ["track", name, { text: "x".repeat(900) }]), ["flush"]);
    const dropped = await page.evaluate(() => window.dropped);
    assert.ok(dropped.length >= 10 && dropped.length < 20, String(dropped.length));
    assert.deepEqual(dropped, many.slice(0, dropped.length).map((name) => [name, "there was no room"]));
    assert.equal(await page.evaluate(() => window.footfall.state().dropped), dropped.length);
    const { local } = await kept(page);
    const size = Object.entries(local).reduce((sum, [key, text]) => sum + (BATCH.test(key) ? text.length : 0), 0);
    assert.ok(size <= 11_000, `${size} characters are kept`);
    const events = await arrived(21 - dropped.length);
    assert.deepEqual(names(events), ["purchase", ...many.slice(dropped.length)]);
    assert.deepEqual(served.requests.map(({ batch }) => batch.dropped).filter(Boolean), [dropped.length]);
  });
}
