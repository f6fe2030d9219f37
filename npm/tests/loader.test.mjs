// What the loader does without the module: before it comes, and where it cannot come.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "./support/site.mjs";
import { closeBrowsers, engines, names, only, visit } from "./support/visit.mjs";

after(closeBrowsers);

for (const engine of engines) {
  for (const [why, options] of [
    ["a content security policy forbids WebAssembly", {
      headers: () => ({ "content-security-policy": "script-src 'self' 'unsafe-inline'" }),
    }],
    ["the module is blocked", { blocked: (path) => /footfall-.*\.js$/.test(path) }],
    ["the WebAssembly is blocked", { blocked: (path) => path.endsWith(".wasm") }],
  ]) {
    test(`${engine}: where ${why}, the loader sends calls, the page view and marked clicks itself`, async (t) => {
      const { page, arrived, errors, ready, said } = await visit(t, { engine, wait: false, ...options, path: "/page.html?q=private" });
      assert.equal(await ready(), false);
      await page.evaluate(() => {
        window.footfall.track("searched", { words: 2 });
        window.footfall.identify("ann", { plan: "free" });
      });
      await page.click("#plain");
      await page.click("#like");
      await page.goto("about:blank");
      const events = await arrived(4);
      assert.deepEqual(names(events), ["page", "searched", "identify", "like"]);
      assert.deepEqual([events[1].properties, events[2].traits], [{ words: 2 }, { plan: "free" }]);
      assert.equal(new Set(events.map((event) => event.event_id)).size, 4);
      assert.match(events[0].event_id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.match(events[0].context.page.url, /\/page\.html$/);
      assert.ok(events[0].context.anonymous_id);
      assert.ok(said.some((line) => /no module:/.test(line)), said.join("\n"));
      await page.goBack();
      assert.deepEqual(await errors(), []);
    });
  }

  test(`${engine}: a page that is left before the module came loses nothing`, async (t) => {
    const { page, served, arrived } = await visit(t, {
      engine,
      wait: false,
      // The module never answers.
      prepare: (page) => page.evaluateOnNewDocument(() => { window.requestIdleCallback = () => {}; }),
    });
    await page.evaluate(() => window.footfall.track("quick"));
    await page.click("#like");
    await page.goto("about:blank");
    assert.deepEqual(names(await arrived(3)), ["page", "quick", "like"]);
    assert.equal(served.requests.length, 1);
  });

  for (const [what, isLost] of [["was lost on the way is sent", true], ["arrived is not sent again", false]]) {
    test(`${engine}: what left before the module came and ${what} by the next page`, async (t) => {
      const prepare = (page) =>
        page.evaluateOnNewDocument((isLost) => {
          if (location.search) return;
          window.requestIdleCallback = () => {};
          if (isLost) navigator.sendBeacon = () => true;
        }, isLost);
      const { page, arrived, served, go } = await visit(t, { engine, wait: false, prepare });
      await page.evaluate(() => window.footfall.track("quick", { words: 'two\n"lines"' }));
      const batches = () => page.evaluate(() => Object.keys(localStorage).filter((name) => name.includes(":batch:")));
      await page.goto(`${served.origin}/gate.js`);
      const [name] = await batches();
      await go("/page.html?next");
      await until("it to be taken over", () => page.evaluate(() => window.footfall.state()?.unconfirmed > 0));
      await page.evaluate(() => window.footfall.flush());
      const events = await arrived(3);
      await until("it to be forgotten", async () => (await batches()).length === 0);
      const quick = only(served.events(), "quick");
      assert.deepEqual(quick.properties, { words: 'two\n"lines"' });
      assert.equal(quick.context.anonymous_id, events[0].context.anonymous_id);
      const sent = served.requests.map(({ batch }) => batch).filter(({ batch_id }) => name.endsWith(batch_id));
      assert.equal(sent.length, 1);
      assert.equal(names(served.events()).filter((event) => event === "page").length, 2);
    });
  }

  test(`${engine}: what the browser does not take of a page that is hidden is told later, each once`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        window.requestIdleCallback = (run) => (window.idle ??= run);
        navigator.sendBeacon = () => false;
        // Nobody keeps it instead.
        Object.defineProperty(navigator, "globalPrivacyControl", { value: true });
      });
    const { page, arrived, served } = await visit(t, { engine, wait: false, prepare });
    await page.evaluate(() => {
      window.footfall.track("quick");
      for (let times = 0; times < 2; times++) dispatchEvent(new Event("pagehide"));
      window.idle();
    });
    assert.equal(await page.evaluate(() => window.footfall.ready()), true);
    await page.evaluate(() => window.footfall.flush());
    await arrived(2);
    assert.deepEqual(names(served.events()), ["page", "quick"]);
  });

  test(`${engine}: what left and is sent again has the same ids, as where a script is cancelled behind its beacon`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        window.requestIdleCallback = () => {};
        const send = navigator.sendBeacon.bind(navigator);
        let isCancelled = true;
        navigator.sendBeacon = (...given) => {
          send(...given);
          return isCancelled ? (isCancelled = false) : true;
        };
        // Nobody keeps it instead.
        Object.defineProperty(navigator, "globalPrivacyControl", { value: true });
      });
    const { page, arrived, served } = await visit(t, { engine, wait: false, prepare });
    await page.evaluate(() => {
      window.footfall.track("quick");
      for (let times = 0; times < 2; times++) dispatchEvent(new Event("pagehide"));
    });
    await arrived(4);
    const [first, again] = served.requests.map(({ batch }) => batch.events.map(({ event_id }) => event_id));
    assert.deepEqual(again, first);
    assert.equal(new Set(first).size, 2);
  });

  test(`${engine}: nothing is kept of who asks for privacy, nor where no module comes`, async (t) => {
    for (const privately of [true, false]) {
      const prepare = (page) =>
        page.evaluateOnNewDocument((privately) => {
          if (privately) window.requestIdleCallback = () => {};
          if (privately) Object.defineProperty(navigator, "globalPrivacyControl", { value: true });
        }, privately);
      const { page, arrived, served, ready } = await visit(t, { engine, wait: false, prepare, blocked: (path) => !privately && path.endsWith(".wasm") });
      if (!privately) assert.equal(await ready(), false);
      await page.evaluate(() => window.footfall.track("quick"));
      await page.goto(`${served.origin}/gate.js`);
      await arrived(2);
      const left = await page.evaluate(() => Object.keys(localStorage));
      assert.deepEqual(left, privately ? [] : ["footfall:pk_test:anonymous_id"]);
    }
  });

  test(`${engine}: calls and clicks from before the module are told with their own times, in order`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        window.footfall = [["track", "before_script"]];
        window.requestIdleCallback = (run) => { window.idle = run; };
      });
    const { page, arrived, ready } = await visit(t, { engine, wait: false, prepare });
    await page.waitForFunction(() => !Array.isArray(window.footfall));
    await page.click("#plain");
    const clickedBy = await page.evaluate(() => Date.now());
    await page.evaluate(() => {
      window.footfall.track("before_module");
      window.footfall.push(["track", "pushed"]);
    });
    await until("the clock to move on", () => page.evaluate((then) => Date.now() > then + 20, clickedBy));
    await page.evaluate(() => window.idle());
    assert.equal(await ready(), true);
    await page.evaluate(() => window.footfall.flush());
    const events = await arrived(5);
    assert.deepEqual(names(events), ["page", "before_script", "click", "before_module", "pushed"]);
    assert.ok(events[2].timestamp <= clickedBy, "the click has its own time");
    assert.deepEqual(events[2].properties, { tag: "button", id: "plain", text: "Add to cart", selector: "#plain" });
  });
}
