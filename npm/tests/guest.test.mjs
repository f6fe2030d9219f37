// A good guest: how the SDK starts and ends, alone or beside others, without a trace in the page.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "./support/site.mjs";
import { closeBrowsers, engines, inChromium, names, visit } from "./support/visit.mjs";

after(closeBrowsers);

for (const engine of engines) {
  test(`${engine}: shutdown sends what is here and removes every listener and timer; init starts again`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        window.listening = new Map();
        const { addEventListener, removeEventListener } = EventTarget.prototype;
        const { setTimeout, clearTimeout } = window;
        window.timers = new Set();
        const key = (target, kind, hear) => [target.constructor.name, kind, hear];
        EventTarget.prototype.addEventListener = function (kind, hear, options) {
          const entry = key(this, kind, hear);
          window.listening.set(hear, entry);
          options?.signal?.addEventListener?.call?.(options.signal, "abort", () => window.listening.delete(hear));
          return addEventListener.call(this, kind, hear, options);
        };
        EventTarget.prototype.removeEventListener = function (kind, hear, options) {
          window.listening.delete(hear);
          return removeEventListener.call(this, kind, hear, options);
        };
        window.setTimeout = (run, delay, ...args) => {
          const id = setTimeout(() => { window.timers.delete(id); run(...args); }, delay);
          window.timers.add(id);
          return id;
        };
        window.clearTimeout = (id) => { window.timers.delete(id); clearTimeout(id); };
      });
    const { page, acted } = await visit(t, { engine, prepare });
    const listening = () =>
      page.evaluate(() => [...window.listening.values()].map(([target, kind]) => `${target} ${kind}`).filter((name) => !/AbortSignal|Window (error|unhandledrejection)/.test(name)));
    assert.ok((await listening()).length >= 6, String(await listening()));
    await page.evaluate(() => {
      window.footfall.track("last");
      window.footfall.shutdown();
      window.footfall.track("too_late");
    });
    assert.deepEqual(names(await acted(2)), ["page", "last"]);
    assert.deepEqual(await listening(), []);
    // The last answer ends the last of them.
    await until("the timers' end", () => page.evaluate(() => window.timers.size === 0));
    await page.evaluate(async () => {
      window.footfall.init({ key: "pk_test", flushCount: 2 });
      await window.footfall.ready();
      window.footfall.track("again");
    });
    assert.deepEqual(names(await acted(4)), ["page", "last", "page", "again"]);
  });

  test(`${engine}: the same script twice is one tracker`, async (t) => {
    const { page, acted } = await visit(t, { engine });
    await page.evaluate(
      () =>
        new Promise((resolve) => {
          const again = document.createElement("script");
          again.src = "/sdk/footfall.js";
          again.dataset.key = "pk_test";
          again.onload = resolve;
          document.head.append(again);
        }),
    );
    await page.click("#like");
    await page.evaluate(() => window.footfall.flush());
    assert.deepEqual(names(await acted(2)), ["page", "like"]);
  });

  test(`${engine}: two tags with different keys are two trackers, with ids and requests of their own`, async (t) => {
    const { page, served, errors, arrived } = await visit(t, { engine, path: "/two.html" });
    await until("the other one", () => page.evaluate(() => window.footfall.pk_other.ready()));
    await page.click("#like");
    await page.evaluate(() => {
      const { footfall } = window;
      footfall.identify("ann");
      footfall.track("first");
      footfall.pk_other.track("second");
    });
    await arrived(6);
    const told = (key) => served.requests.filter(({ url }) => url.searchParams.get("key") === key).map(({ batch }) => batch);
    assert.deepEqual(told("pk_test").flatMap(({ events }) => names(events)), ["page", "like", "identify", "first"]);
    assert.deepEqual(told("pk_other").flatMap(({ events }) => names(events)), ["page", "second"]);
    assert.notEqual(told("pk_test")[0].context.anonymous_id, told("pk_other")[0].context.anonymous_id);
    assert.ok(told("pk_other").every(({ context }) => context.user_id === undefined));
    const isFirst = await page.evaluate(() => window.footfall.pk_test.state().userId === window.footfall.state().userId);
    assert.ok(isFirst);
    await page.evaluate(() => {
      window.footfall.shutdown();
      window.footfall.pk_other.track("third");
    });
    assert.deepEqual(names(await arrived(7)).slice(6), ["third"], "one goes on without the other");
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: init twice is once, and is said`, async (t) => {
    const { page, served, acted, said, errors } = await visit(t, { engine });
    await page.evaluate(() => {
      window.footfall.init({ key: "pk_other" });
      window.footfall.track("like");
      window.footfall.flush();
    });
    assert.deepEqual(names(await acted(2)), ["page", "like"]);
    assert.ok(served.requests.every(({ url }) => url.searchParams.get("key") === "pk_test"));
    assert.equal(said.filter((line) => /init was called already/.test(line)).length, 1);
    assert.deepEqual(await errors(), []);
  });

  // In Firefox the module did not come while a script of the page held up the parser; nothing is lost by that.
  const isHeldUp = engine === "firefox" && "Firefox imports nothing while a script holds up the parser";
  test(`${engine}: it starts while there is no body yet`, { skip: isHeldUp }, async (t) => {
    let told;
    const isTold = new Promise((resolve) => (told = resolve));
    const { page, arrived, errors } = await visit(t, {
      engine,
      path: "/head.html",
      // Idle moments come only when there is something to be seen.
      prepare: (page) => page.evaluateOnNewDocument(() => delete window.requestIdleCallback),
      headers: (path) => path === "/gate.js" && isTold,
      answer: (batch) => told() ?? { accepted: batch.events.length },
    });
    assert.deepEqual(names(await arrived(1)), ["page"]);
    await page.click("#like");
    await page.evaluate(() => window.footfall.flush());
    assert.deepEqual(names(await arrived(2)), ["page", "like"]);
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: a strict policy with a nonce, and trusted types, let it in`, async (t) => {
    const policy = "script-src 'nonce-n0nce' 'wasm-unsafe-eval'; require-trusted-types-for 'script'";
    const headers = (path) => path.endsWith(".html") && { "content-security-policy": policy };
    const { page, arrived, errors, said } = await visit(t, { engine, path: "/strict.html", headers });
    await page.click("#like");
    await until("the second part", async () => {
      await page.evaluate(() => document.body.dispatchEvent(new ClipboardEvent("copy", { bubbles: true })));
      return names(await arrived(2)).includes("copy");
    });
    await until("the click", async () => names(await arrived(2)).includes("like"));
    assert.deepEqual(said.filter((line) => /footfall|policy/i.test(line)), []);
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: in a frame without storage it works in memory`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        if (window === parent) return;
        for (const kind of ["error", "unhandledrejection"]) {
          addEventListener(kind, (event) => parent.postMessage(String(event.message ?? event.reason), "*"));
        }
        window.footfall = [["track", "framed"], ["flush"]];
      });
    const { page, arrived } = await visit(t, { engine, path: "/frame.html", wait: false, prepare });
    const events = (await arrived(2)).filter(({ event }) => event !== "post_view");
    assert.deepEqual(names(events), ["page", "framed"]);
    for (const { context } of events) assert.ok(context.page.url.endsWith("/plain.html") && context.anonymous_id && context.session_id);
    assert.equal(events[0].context.anonymous_id, events[1].context.anonymous_id);
    assert.deepEqual(await page.evaluate(() => window.errors), []);
  });
}

// Only Chromium tells how much a page holds, by its own protocol; extras.test.mjs counts in every engine.
inChromium("begun and ended 1,000 times it leaves listeners, heap and the module's memory where they were", async (t) => {
  const prepare = (page) =>
    page.evaluateOnNewDocument(() => {
      window.requestIdleCallback = (run) => queueMicrotask(run);
      const { instantiateStreaming } = WebAssembly;
      WebAssembly.instantiateStreaming = async (...args) => {
        const loaded = await instantiateStreaming(...args);
        window.memory = loaded.instance.exports.memory;
        return loaded;
      };
    });
  const { page, errors } = await visit(t, { prepare, init: {} });
  const client = await page.createCDPSession();
  await client.send("Performance.enable");
  const rounds = (count) =>
    page.evaluate(async (count) => {
      for (let round = 0; round < count; round++) {
        window.footfall.shutdown();
        window.footfall.init({ key: "pk_test", capture: { pages: false } });
        await window.footfall.ready();
      }
    }, count);
  const measure = async () => {
    await client.send("HeapProfiler.collectGarbage");
    const { metrics } = await client.send("Performance.getMetrics");
    const of = (name) => metrics.find((metric) => metric.name === name).value;
    return { heap: of("JSHeapUsedSize"), listeners: of("JSEventListeners"), bytes: await page.evaluate(() => window.memory.buffer.byteLength) };
  };
  // The first ones leave compiled code and the like; what the engine allocates for itself once, it may allocate later.
  await rounds(100);
  let before;
  let after = await measure();
  // Requests that are under way hold what waits for them.
  const isBack = async () => {
    after = await measure();
    return after.heap - before.heap < 100_000 && after.listeners <= before.listeners;
  };
  const grows = async () => {
    before = after;
    await rounds(1_000);
    return until("all to be given back", isBack).then(() => false, () => true);
  };
  if ((await grows()) && (await grows())) assert.deepEqual(after, before);
  t.diagnostic(`${after.heap - before.heap} bytes of heap, ${after.listeners - before.listeners} listeners`);
  assert.equal(after.bytes, before.bytes, "the module's memory");
  assert.deepEqual(await errors(), []);
});
