// Page views, in each engine: which changes of the address are one, and what is told of them.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "./support/site.mjs";
import { closeBrowsers, engines, inChromium, names, visit } from "./support/visit.mjs";

after(closeBrowsers);

const path = "/page-views.html";
const views = (served) => served.events().filter(({ type }) => type === "page");
const paths = (served) => views(served).map(({ context }) => context.page.path);

/** Starts the tracker again, with other options. */
const restart = (page, options) =>
  page.evaluate(async (options) => {
    window.footfall.shutdown();
    const capture = { clicks: false, views: false, leave: false };
    window.footfall.init({ key: "pk_test", flushInterval: 100, capture, ...options });
    await window.footfall.ready();
  }, options);

for (const engine of engines) {
  for (const [how, prepare] of [
    ["", undefined],
    // Firefox before 147 and Safari before 26.2 have none.
    [" without the Navigation API", (page) => page.evaluateOnNewDocument(() => delete window.navigation)],
  ]) {
    test(`${engine}: routes are views${how}: another path or query by push, another path by replace, back`, async (t) => {
      const { page, served, errors } = await visit(t, { engine, path, prepare });
      const count = (wanted) => until(`${wanted} views`, () => views(served).length >= wanted);
      await count(1);
      const routes = [
        ["pushState", "/a"],
        ["pushState", "/a?page=2"],
        ["replaceState", "/a?page=3"],
        ["replaceState", "/b"],
        ["pushState", "/b#part"],
        ["pushState", "/b"],
        ["pushState", "/c"],
      ];
      for (const [method, to] of routes) {
        await page.evaluate((method, to) => {
          history[method]({}, "", to);
          document.title = to;
          window.footfall.flush();
        }, method, to);
      }
      await count(5);
      await page.evaluate(() => history.go(-3));
      await count(6);
      assert.deepEqual(paths(served), [path, "/a", "/a", "/b", "/c", "/b"]);
      const { context } = views(served)[4];
      assert.deepEqual([context.page.title, new URL(context.page.referrer).pathname], ["/c", "/b"]);
      assert.equal(new Set(views(served).map((view) => view.context.page_view_id)).size, 6);
      assert.deepEqual(await errors(), []);
    });

    test(`${engine}: several changes in one task are one view${how}, with the title that the router sets after them`, async (t) => {
      const { page, served } = await visit(t, { engine, path, prepare });
      await page.evaluate(() => {
        // A task of the page's own: what a driver runs may be several.
        setTimeout(async () => {
          history.pushState({}, "", "/login");
          history.replaceState({}, "", "/login?from=x");
          history.pushState({}, "", "/home");
          await Promise.resolve();
          history.replaceState({}, "", "/home/feed");
          document.title = "Feed";
        });
      });
      await until("the route", () => views(served).length >= 2);
      await page.evaluate(() => history.pushState({}, "", "/last"));
      await until("the last route", () => paths(served).includes("/last"));
      assert.deepEqual(paths(served), [path, "/home/feed", "/last"]);
      assert.equal(views(served)[1].context.page.title, "Feed");
    });

    test(`${engine}: hash routes are views where the site says so${how}, by their path`, async (t) => {
      const { page, served } = await visit(t, { engine, path, prepare });
      await page.evaluate(() => (location.hash = "/no-route"));
      await restart(page, { hashRoutes: true });
      for (const hash of ["/inbox?q=private", "/inbox?q=other", "!/sent", "top"]) {
        await page.evaluate((hash) => {
          location.hash = hash;
        }, hash);
        await page.evaluate(() => window.footfall.flush());
      }
      await until("five views", () => views(served).length >= 5);
      assert.deepEqual(paths(served), [path, `${path}#/no-route`, `${path}#/inbox`, `${path}#!/sent`, path]);
      assert.ok(views(served)[2].context.page.url.endsWith(`${path}#/inbox`));
    });
  }

  test(`${engine}: a view by the site and by its route is one`, async (t) => {
    const { page, served, arrived } = await visit(t, { engine, path });
    await page.evaluate(() => {
      history.pushState({}, "", "/a");
      window.footfall.page({ kind: "list" });
      window.footfall.track("end");
    });
    assert.deepEqual(names(await arrived(3)), ["page", "page", "end"]);
    assert.deepEqual(paths(served), [path, "/a"]);
    assert.deepEqual(views(served)[1].properties, { kind: "list" });
    assert.ok(views(served)[1].context.page.referrer.endsWith(path));
  });

  test(`${engine}: the first view tells campaign and click ids, a reload and a return are marked`, async (t) => {
    const { page, served } = await visit(t, { engine, path: `${path}?utm_source=mail&utm_content=ann%40example.org&gclid=Cj0KCQiA3sq6BhD2ARIsAJ8MRwWb&q=1` });
    const campaign = { utm_source: "mail", utm_content: "[email]", gclid: "Cj0KCQiA3sq6BhD2ARIsAJ8MRwWb" };
    await until("the first view", () => views(served).length === 1);
    await page.evaluate(() => history.pushState({}, "", "/page-views.html"));
    await until("the route", () => views(served).length === 2);
    await page.evaluate(() => location.reload());
    await until("the reload", () => views(served).length === 3);
    await page.evaluate(() => window.footfall.ready());
    await page.click("#next");
    await until("the next page", () => views(served).length === 4);
    await page.goBack();
    await until("the return", () => views(served).length === 5);
    const told = views(served).map(({ properties }) => properties ?? {});
    assert.deepEqual(told, [campaign, {}, { reload: true }, {}, { back_forward: true }]);
  });

  test(`${engine}: shutdown puts the page's functions back, unless they were replaced since`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        delete window.navigation;
        window.theirs = [history.pushState, history.replaceState];
      });
    const { page, errors } = await visit(t, { engine, path, prepare });
    const after = await page.evaluate(async () => {
      const { footfall, theirs } = window;
      const patched = history.pushState !== theirs[0] && history.replaceState !== theirs[1];
      const ours = history.replaceState;
      const later = (history.replaceState = function (...entry) {
        return ours.apply(this, entry);
      });
      footfall.shutdown();
      history.replaceState({ works: 1 }, "", "/still-works");
      return [patched, history.pushState === theirs[0], history.replaceState === later, location.pathname, history.state.works];
    });
    assert.deepEqual(after, [true, true, true, "/still-works", 1]);
    assert.deepEqual(await errors(), []);
  });
}

// Puppeteer leaves Chromium's back/forward cache on, which other drivers switch off.
inChromium("a page that comes back from the back/forward cache is a new view", async (t) => {
  const { page, served } = await visit(t, { path });
  await page.evaluate(() => addEventListener("pageshow", ({ persisted }) => (window.wasPersisted = persisted)));
  await until("the first view", () => views(served).length === 1);
  await page.goto(`${served.origin}${path}?next`);
  await page.evaluate(() => window.footfall.ready());
  await page.goBack();
  await until("the view of the return", () => views(served).length === 3);
  assert.equal(await page.evaluate(() => window.wasPersisted), true);
  assert.deepEqual(views(served)[2].properties, { back_forward: true });
  assert.equal(new Set(views(served).map(({ context }) => context.page_view_id)).size, 3);
});

// Only Chromium renders pages ahead, by speculation rules.
inChromium("a page that is rendered ahead is a view when somebody comes to see it", async (t) => {
  const served = [];
  const headers = (path) => (served.push(path), {});
  const { page, served: site } = await visit(t, { path, headers });
  await until("the first view", () => views(site).length === 1);
  await page.evaluate(() => {
    const rules = document.createElement("script");
    rules.type = "speculationrules";
    rules.textContent = JSON.stringify({ prerender: [{ source: "list", urls: ["/leave.html"] }] });
    document.head.append(rules);
  });
  const asked = (ending) => served.filter((path) => path.endsWith(ending)).length;
  await until("the loader of the page ahead", () => asked("/footfall.js") === 2);
  // Nothing but the loader came: the rest waits for somebody to see the page.
  assert.equal(asked(".wasm"), 1);
  const goneAt = await page.evaluate(() => {
    setTimeout(() => (location.href = "/leave.html"));
    return Date.now();
  });
  await until("the second view", () => views(site).length === 2);
  const { context, timestamp } = views(site)[1];
  assert.equal(context.page.path, "/leave.html");
  assert.ok(timestamp >= goneAt, `${timestamp - goneAt} ms after it was asked for`);
  assert.equal(served.filter((path) => path === "/leave.html").length, 1, "the page ahead is the one that was shown");
  assert.ok(new URL(context.page.referrer).pathname === path);
});
