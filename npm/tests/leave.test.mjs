// Leaving a page, in each engine: how long it was visible, how deep it was seen, and how often that is told.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "./support/site.mjs";
import { closeBrowsers, engines, inChromium, names, visit } from "./support/visit.mjs";

after(closeBrowsers);

const path = "/leave.html";
/** In their order, each once: where the clock is moved on, the SDK waits in vain for answers and sends again. */
const leaves = (served) => {
  const byId = new Map(served.events().map((event) => [event.event_id, event]));
  const told = [...byId.values()].filter(({ event }) => event === "page_leave");
  return told.toSorted((one, other) => one.seq - other.seq);
};

/** No driver hides a page in every engine: the page says that it is hidden. */
const prepare = (page) =>
  page.evaluateOnNewDocument(() => {
    window.isHidden = false;
    Object.defineProperty(document, "hidden", { get: () => window.isHidden });
    window.hide = (isHidden) => {
      window.isHidden = isHidden;
      document.dispatchEvent(new Event("visibilitychange"));
    };
    /** Moves the page's clock on. */
    window.pass = (ms) => (window.passed += ms);
    window.passed = 0;
    const { now } = performance;
    performance.now = () => now.call(performance) + window.passed;
  });

for (const engine of engines) {
  test(`${engine}: each time a page is hidden its leave is told, with all visible time and a higher revision`, async (t) => {
    const { page, served, errors } = await visit(t, { engine, path, prepare });
    await page.evaluate(() => {
      const { hide, pass } = window;
      pass(10_000);
      hide(true);
      dispatchEvent(new Event("pagehide"));
      // A browser freezes only what is hidden.
      document.dispatchEvent(new Event("freeze"));
      pass(500_000);
      document.dispatchEvent(new Event("resume"));
      hide(false);
      pass(5_000);
      hide(true);
    });
    await until("both leaves", () => leaves(served).length === 2);
    const [first, second] = leaves(served);
    assert.deepEqual([first.properties.revision, second.properties.revision], [1, 2]);
    assert.equal(first.context.page_view_id, second.context.page_view_id);
    assert.equal(first.context.page_view_id, served.events().find(({ type }) => type === "page").context.page_view_id);
    const [{ dwell_ms: once }, { dwell_ms: all }] = [first.properties, second.properties];
    assert.ok(once >= 10_000 && once < 25_000, String(once));
    assert.ok(all - once >= 5_000 && all - once < 20_000, String(all - once));
    assert.ok(Number.isInteger(once) && Number.isInteger(all));
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: the depth is the deepest share seen`, async (t) => {
    const { page, served } = await visit(t, { engine, path, prepare });
    const depth = async (count) => {
      await page.evaluate(() => {
        window.hide(true);
        window.hide(false);
      });
      await until(`${count} leaves`, () => leaves(served).length === count);
      return leaves(served).at(-1).properties.scroll_depth;
    };
    const scroll = (screens) =>
      page.evaluate(
        (screens) =>
          new Promise((resolve) => {
            addEventListener("scroll", resolve, { once: true });
            window.scrollTo(0, screens * innerHeight);
          }),
        screens,
      );
    assert.equal(await depth(1), 0.25);
    await scroll(1);
    await scroll(0.5);
    assert.equal(await depth(2), 0.5);
    await scroll(3);
    assert.equal(await depth(3), 1);
  });

  test(`${engine}: a page that fits the viewport is seen whole`, async (t) => {
    const { page, served } = await visit(t, { engine, path, prepare });
    await page.evaluate(() => {
      document.body.style.height = "50vh";
      window.hide(true);
    });
    await until("the leave", () => leaves(served).length === 1);
    assert.equal(leaves(served)[0].properties.scroll_depth, 1);
  });

  test(`${engine}: a route tells the leave of the view before it, as that was`, async (t) => {
    const { page, arrived, served } = await visit(t, { engine, path, prepare });
    await page.evaluate(() => {
      window.pass(3_000);
      history.pushState({}, "", "/short");
      // What the router puts there now is no part of the view before.
      document.body.style.height = "50vh";
    });
    await until("the route", () => served.events().length >= 3);
    await page.evaluate(() => {
      window.pass(1_000);
      window.hide(true);
    });
    const events = await arrived(4);
    assert.deepEqual(names(events), ["page", "page_leave", "page", "page_leave"]);
    const views = events.map(({ context }) => [context.page.path, context.page_view_id]);
    assert.deepEqual(views[0], views[1]);
    assert.deepEqual(views[2], views[3]);
    assert.deepEqual([views[0][0], views[2][0]], [path, "/short"]);
    const told = [events[1], events[3]].map(({ properties }) => properties);
    assert.deepEqual(told.map((properties) => [properties.scroll_depth, properties.revision]), [[0.25, 1], [1, 1]]);
    assert.ok(told[0].dwell_ms >= 3_000 && told[1].dwell_ms >= 1_000 && told[1].dwell_ms < 3_000, JSON.stringify(told));
  });

  test(`${engine}: a page that is left for another tells its leave once, after its clicks; by nobody if switched off`, async (t) => {
    const { page, arrived, served } = await visit(t, { engine, path });
    await page.evaluate(() => window.footfall.track("before"));
    await page.goto("about:blank");
    // What leaves in more than one request arrives in any order; the count tells.
    const told = (await arrived(3)).toSorted((one, other) => one.seq - other.seq);
    assert.deepEqual(names(told), ["page", "before", "page_leave"]);

    await page.goto(served.origin + path);
    await page.evaluate(async () => {
      await window.footfall.ready();
      window.footfall.shutdown();
      window.footfall.init({ key: "pk_off", capture: { leave: false, pages: false } });
      await window.footfall.ready();
      window.footfall.track("end");
    });
    await page.goto("about:blank");
    await until("the end", () => names(served.events()).includes("end"));
    assert.equal(leaves(served).length, 1);
  });
}

// The page is hidden by Chromium itself, which only its own protocol can ask for.
inChromium("a page that is frozen and comes back does not count the time between", async (t) => {
  const { page, served } = await visit(t, { path });
  const client = await page.createCDPSession();
  await client.send("Page.setWebLifecycleState", { state: "frozen" });
  const frozenAt = Date.now();
  await until("some time", () => Date.now() - frozenAt > 1_000);
  await client.send("Page.setWebLifecycleState", { state: "active" });
  const loaded = await page.evaluate(() => performance.now());
  await page.goto("about:blank");
  await until("the leave", () => leaves(served).length >= 1);
  const { dwell_ms } = leaves(served).at(-1).properties;
  assert.ok(dwell_ms < loaded - 900, `${dwell_ms} of ${loaded} ms`);
});

inChromium("calls and clicks that are not told yet when a script is cancelled, as Firefox does with a tab that is closed, still go", async (t) => {
  const prepare = (page) =>
    page.evaluateOnNewDocument(() => {
      const { encode } = TextEncoder.prototype;
      TextEncoder.prototype.encode = function (text) {
        if (text?.includes("endless")) {
          console.log("it runs");
          for (;;);
        }
        return encode.call(this, text);
      };
    });
  const { page, acted, said } = await visit(t, { prepare });
  const devtools = await page.createCDPSession();
  await page.evaluate(() => {
    setTimeout(() => ["before", "endless", "after", "last"].forEach((name) => window.footfall.track(name)));
  });
  await until("the call to run", () => said.includes("it runs"));
  await devtools.send("Runtime.terminateExecution");
  await page.close();
  // Of the call that was under way nobody knows how far it came.
  const told = names(await acted(4)).filter((name) => name !== "page_leave");
  assert.deepEqual(told.sort(), ["after", "before", "last", "page"]);
});
