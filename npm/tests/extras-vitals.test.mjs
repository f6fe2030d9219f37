// Web vitals, told once when the page is hidden, by what each engine measures.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { countListeners, NOTHING } from "./support/listeners.mjs";
import { until } from "./support/site.mjs";
import { closeBrowsers, engines, visit } from "./support/visit.mjs";

after(closeBrowsers);

for (const engine of engines) {
  const visitVitals = async (t) => {
    const visited = await visit(t, { engine, path: "/vitals.html?q=private", prepare: countListeners });
    const { page } = visited;
    await until("the second part", () => page.evaluate(() => performance.getEntriesByType("resource").some(({ name, responseEnd }) => name.includes("extras") && responseEnd)));
    await until("its observers", () => page.evaluate(() => window.listening().observers > 0 || !window.PerformanceObserver?.supportedEntryTypes.includes("layout-shift")));
    const measured = await page.evaluate(() => PerformanceObserver.supportedEntryTypes);
    return { ...visited, measures: (type) => measured.includes(type) };
  };
  const vitals = (events) =>
    new Map(events.filter(({ event }) => event === "web_vital").map(({ properties }) => [properties.name, properties]));

  test(`${engine}: the values and what they come from are told once, when the page is left`, async (t) => {
    const { page, served, arrived, errors, measures } = await visitVitals(t);
    if (measures("largest-contentful-paint")) {
      await until("the paint", () => page.evaluate(() => new Promise((resolve) => {
        new PerformanceObserver((_, observer) => resolve(!observer.disconnect())).observe({ type: "largest-contentful-paint", buffered: true });
      })));
    }
    await page.evaluate(() => window.shift());
    if (measures("layout-shift")) {
      await until("the shift", () => page.evaluate(() => new Promise((resolve) => {
        new PerformanceObserver((_, observer) => resolve(!observer.disconnect())).observe({ type: "layout-shift", buffered: true });
      })));
    }
    await page.click("#slow");
    if (measures("event")) {
      await until("the click's time", () => page.evaluate(() => new Promise((resolve) => {
        new PerformanceObserver((list, observer) => list.getEntries().some(({ interactionId }) => interactionId) && resolve(!observer.disconnect())).observe({ type: "event", buffered: true, durationThreshold: 40 });
      })));
    }
    await page.goto("about:blank");
    const events = await arrived(2);
    const told = vitals(events);
    const all = { TTFB: "navigation", LCP: "largest-contentful-paint", CLS: "layout-shift", INP: "event" };
    await until("all values", () => {
      const names = served.events().filter(({ event }) => event === "web_vital").map(({ properties }) => properties.name);
      return JSON.stringify(names) === JSON.stringify(Object.keys(all).filter((name) => measures(all[name])));
    });
    for (const { value, rating, navigation_type, path } of told.values()) {
      assert.ok(value >= 0 && value < 60_000, String(value));
      assert.match(rating, /^(good|needs-improvement|poor)$/);
      assert.deepEqual([navigation_type, path], ["navigate", "/vitals.html"]);
    }
    if (measures("largest-contentful-paint")) assert.deepEqual(told.get("LCP").element, { tag: "h1", id: "headline" });
    if (measures("layout-shift")) {
      assert.ok(told.get("CLS").value > 0);
      assert.ok(["headline", "pushed", "slow", "next"].includes(told.get("CLS").element.id), JSON.stringify(told.get("CLS")));
    }
    if (measures("event")) {
      const { value, element, event_type } = told.get("INP");
      assert.ok(value >= 144, String(value));
      assert.deepEqual(element, { tag: "button", id: "slow" });
      assert.match(event_type, /^(click|pointer|mouse)/);
    }
    await page.goBack();
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: a page that comes back from the back/forward cache is told again, as such`, async (t) => {
    const { page, served, measures } = await visitVitals(t);
    const told = (arrival) => served.events().filter(({ properties }) => properties?.navigation_type === arrival).map(({ properties }) => properties.name);
    await page.goto(`${served.origin}/page.html`);
    await until("the first values", () => told("navigate").length > 0);
    // The drivers wait for a load, which a page that was kept does not have.
    await page.evaluate(() => void setTimeout(() => history.back()));
    const isBack = () => page.evaluate(() => location.pathname === "/vitals.html" && { count: window.returns });
    const { count } = await until("the page again", () => isBack().catch(() => undefined));
    if (!count) {
      t.skip("this engine did not keep the page");
      return;
    }
    await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve))); }));
    await page.evaluate(() => void setTimeout(() => location.assign("/page.html")));
    const expected = ["TTFB", ...(measures("largest-contentful-paint") ? ["LCP"] : []), ...(measures("layout-shift") ? ["CLS"] : [])];
    await until("the values again", () => told("back-forward-cache").length === expected.length);
    assert.deepEqual(told("back-forward-cache"), expected);
    const ids = new Set(served.events().filter(({ event }) => event === "web_vital").map(({ context }) => context.page_view_id));
    assert.equal(ids.size, 2, "each belongs to its own view of the page");
  });

  test(`${engine}: nothing observes after shutdown, and nothing is told`, async (t) => {
    const { page, served } = await visitVitals(t);
    await page.evaluate(() => window.footfall.shutdown());
    assert.deepEqual(await page.evaluate(() => window.listening()), NOTHING);
    await page.goto("about:blank");
    assert.equal(vitals(served.events()).size, 0);
  });

  test(`${engine}: a page without the means to measure is left in peace`, async (t) => {
    const prepare = async (page) => {
      await countListeners(page);
      await page.evaluateOnNewDocument(() => {
        delete window.PerformanceObserver;
        performance.getEntriesByType = undefined;
      });
    };
    // The loader alone may be what goes on.
    const { page, arrived, ready, errors, said } = await visit(t, { engine, path: "/vitals.html", prepare, wait: false });
    await ready();
    await page.evaluate(() => window.footfall.flush());
    await arrived(1);
    assert.deepEqual(await errors(), []);
    assert.deepEqual(said.filter((line) => /failed/.test(line)), []);
  });
}
