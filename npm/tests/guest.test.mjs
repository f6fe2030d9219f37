// A good guest: how the SDK starts and ends, alone or beside others, without a trace in the page.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "./support/site.mjs";
import { closeBrowsers, engines, names, visit } from "./support/visit.mjs";

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
    const { page, arrived } = await visit(t, { engine, prepare });
    const listening = () =>
      page.evaluate(() => [...window.listening.values()].map(([target, kind]) => `${target} ${kind}`).filter((name) => !/AbortSignal|Window (error|unhandledrejection)/.test(name)));
    assert.ok((await listening()).length >= 6, String(await listening()));
    await page.evaluate(() => {
      window.footfall.track("last");
      window.footfall.shutdown();
      window.footfall.track("too_late");
    });
    assert.deepEqual(names(await arrived(2)), ["page", "last"]);
    assert.deepEqual(await listening(), []);
    // The last answer ends the last of them.
    await until("the timers' end", () => page.evaluate(() => window.timers.size === 0));
    await page.evaluate(async () => {
      window.footfall.init({ key: "pk_test", flushCount: 2 });
      await window.footfall.ready();
      window.footfall.track("again");
    });
    assert.deepEqual(names(await arrived(4)), ["page", "last", "page", "again"]);
  });

  test(`${engine}: the same script twice is one tracker`, async (t) => {
    const { page, arrived } = await visit(t, { engine });
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
    assert.deepEqual(names(await arrived(2)), ["page", "like"]);
  });
}
