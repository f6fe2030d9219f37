// Calls, values and options that are wrong: a clear word in debug, never an exception into the page, and all else goes on.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "./support/site.mjs";
import { call, closeBrowsers, engines, names, visit } from "./support/visit.mjs";

after(closeBrowsers);

for (const engine of engines) {
  for (const debug of [true, false]) {
    const how = debug ? "in debug" : "without debug";
    test(`${engine}: whatever a call is given, only that call suffers, ${how}`, async (t) => {
      const { page, arrived, errors, said } = await visit(t, { engine, init: { debug } });
      const threw = await page.evaluate(() => {
        const { footfall } = window;
        const cycle = {};
        cycle.self = cycle;
        const odd = [undefined, null, "", "words", "{", '{"a":', "[]", 5, NaN, true, 10n, Symbol("odd"), () => {}, function named() { return "two\nlines"; },
          [], [1], cycle, new Date(NaN), document.body, window, new Proxy({}, { ownKeys() { throw new Error("no"); } }),
          { toJSON() { throw new Error("no"); } }, { get a() { throw new Error("no"); } }, { text: "x".repeat(1e6) }, Promise.resolve(), new Map([[1, 2]])];
        const methods = ["track", "page", "identify", "alias", "group", "set", "startTimer", "stopTimer", "flush", "state", "anonymousId", "ready",
          "unheard_of", "toString", "click"];
        const threw = [];
        for (const method of methods) {
          for (const value of odd) {
            for (const args of [[value], ["name", value], [value, value]]) {
              try {
                footfall[method]?.(...args);
              } catch (error) {
                threw.push(`${method}: ${error}`);
              }
            }
          }
        }
        footfall.startTimer("timed");
        footfall.stopTimer("timed", "words");
        footfall.reset();
        footfall.track("end");
        footfall.flush();
        return threw;
      });
      assert.deepEqual(threw, []);
      await until("the end", async () => names(await arrived(1)).includes("end"));
      assert.deepEqual(said.filter((line) => /it failed/.test(line)), []);
      assert.deepEqual(await errors(), []);
    });
  }

  test(`${engine}: a property is read once, and what JSON leaves out is left out`, async (t) => {
    const { page, arrived } = await visit(t, { engine, init: () => ({ debug: true, beforeSend: (event) => event, onSent() {} }) });
    const reads = await page.evaluate(() => {
      let reads = 0;
      const properties = {
        get counted() { return ++reads; },
        run() {},
        symbol: Symbol("s"),
        missing: undefined,
        date: new Date(0),
        nothing: null,
        node: document.querySelector("#like"),
        text: "x".repeat(20_000),
      };
      window.footfall.track("read", properties);
      window.footfall.flush();
      return reads;
    });
    const [{ properties }] = await arrived(1);
    assert.equal(reads, 1);
    assert.deepEqual({ ...properties, text: properties.text.length }, { counted: 1, date: "1970-01-01T00:00:00.000Z", nothing: null, node: {}, text: 20_000 });
  });

  test(`${engine}: init without a key starts nothing and says why; an unknown option is said once`, async (t) => {
    const { page, said, errors, served } = await visit(t, { engine, init: { key: "" }, wait: false });
    await until("the words", () => said.some((line) => /init needs a write key/.test(line)));
    await call(page, ["track", "like"], ["flush"]);
    assert.equal(await page.evaluate(() => window.footfall.state() ?? null), null);
    await page.evaluate(() => {
      window.footfall.shutdown();
      window.footfall.init({ key: "pk_test", endPoint: "x", debug: true, flushInterval: 100 });
    });
    await until("the page view", () => served.events().length > 0);
    assert.equal(said.filter((line) => /there is no option endPoint/.test(line)).length, 1, said.join("\n"));
    assert.ok(!names(served.events()).includes("like"));
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: init with anything but options throws nothing`, async (t) => {
    const { page, errors } = await visit(t, { engine });
    const threw = await page.evaluate(async () => {
      const threw = [];
      for (const options of [undefined, null, 5, "pk_test", [], true, { key: 5n }, { key: Symbol("key") }]) {
        try {
          window.footfall.shutdown();
          window.footfall.init(options);
          await window.footfall.ready();
        } catch (error) {
          threw.push(`${typeof options}: ${error}`);
        }
      }
      return threw;
    });
    assert.deepEqual(threw, []);
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: options that are wrong harm nothing where nobody checks them`, async (t) => {
    const capture = { clicks: true, views: true, pages: true, leave: true };
    for (const wrong of [
      { mask: "((" },
      { viewShare: "half" },
      { viewShare: 7, viewTime: -1 },
      { allowQuery: 5 },
      { keyEvents: "purchase", hashRoutes: "yes" },
      { categories: null },
      { sample: { like: "half" } },
      { sample: null, sampleRate: null },
      { beforeSend: null, capture: { ...capture, clicks: "yes", scroll: true } },
      { consent: { analytics: "granted", odd: 5 } },
      { flushInterval: "soon", flushCount: -1 },
      { userId: 5 },
      { endpoint: null },
    ]) {
      const what = JSON.stringify(wrong);
      const { page, served, errors, ready, said } = await visit(t, { engine, init: { capture, flushInterval: 100, ...wrong }, wait: false });
      await ready();
      await page.click("#like");
      await call(page, ["track", "called"], ["flush"]);
      const wanted = ["page", "like", "called"];
      await until(`events with ${what}`, () => wanted.every((name) => names(served.events()).includes(name)));
      assert.deepEqual(said.filter((line) => /it failed/.test(line)), [], what);
      assert.deepEqual(await errors(), [], what);
    }
  });

  test(`${engine}: a clock that is set back begins a session, and holds nothing up`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        const { now } = Date;
        Date.now = () => now() - (Number(window.back) || 0);
      });
    const answer = (_, count) => count === 2 && { status: 503, retry_after_ms: 1 };
    const { page, go, arrived } = await visit(t, { engine, init: { flushInterval: 100 }, prepare, answer });
    await call(page, ["track", "before"]);
    await arrived(1);
    await page.evaluate(() => (window.back = 3 * 86_400_000));
    await call(page, ["track", "after"]);
    const [before, after] = await arrived(2);
    assert.ok(after.timestamp < before.timestamp);
    assert.notEqual(after.context.session_id, before.context.session_id);
    assert.equal(after.context.anonymous_id, before.context.anonymous_id);
    // Left behind by a page whose clock was ahead.
    await page.evaluate(() => {
      const id = "01900000-0000-7000-8000-000000000001";
      const event = '"event_id":"01900000-0000-7000-8000-000000000002","type":"track","event":"left_behind","timestamp":1';
      localStorage[`footfall:pk_test:batch:${id}`] = `${Date.now() + 10 * 86_400_000} gone\n${id}\n0000\n"locale":"en"\n${event}`;
    });
    await go("/own.html?next");
    assert.deepEqual(names(await arrived(3)).slice(2), ["left_behind"]);
  });
}
