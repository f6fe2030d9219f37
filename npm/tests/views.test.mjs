// Views of marked elements, in each engine: how much, how long, how often.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "./support/site.mjs";
import { closeBrowsers, engines, names, only, visit } from "./support/visit.mjs";

after(closeBrowsers);

const path = "/views.html";

/** Starts the tracker again, with other options. */
const restart = (page, options) =>
  page.evaluate(async (options) => {
    window.footfall.shutdown();
    window.footfall.init({ key: "pk_test", flushInterval: 100, capture: { clicks: false, pages: false, leave: false }, ...options });
    await window.footfall.ready();
  }, options);

const scrollTo = (page, place) => page.evaluate((place) => window.scrollTo(0, place * innerHeight), place);

for (const engine of engines) {
  test(`${engine}: an element is viewed when half of it was visible for a second, or for its own time`, async (t) => {
    const { page, arrived, served, errors } = await visit(t, { engine, path });
    const events = await arrived(2);
    assert.deepEqual(names(events), ["post_view", "element_view"]);
    assert.deepEqual(events[0].properties, { post_id: "7", tag: "article", id: "post" });
    const [first, second] = events.map(({ timestamp }) => timestamp);
    assert.ok(second - first > 400, `${second - first} ms between 300 ms and a second`);
    await page.evaluate(() => document.getElementById("far").scrollIntoView());
    await until("the far one", () => names(served.events()).includes("far_view"));
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: share and time are options, and an element has its own`, async (t) => {
    const { page, arrived, served } = await visit(t, { engine, path });
    await restart(page, { viewShare: 1, viewTime: 50 });
    await arrived(2);
    await page.evaluate(() => {
      const far = document.getElementById("far");
      far.dataset.trackViewShare = "0.8";
      // Neither is a share or a time.
      document.getElementById("last").dataset.trackViewShare = "much";
      document.getElementById("last").dataset.trackViewTime = "-1";
    });
    const bottom = (id, share) =>
      page.evaluate((id, share) => {
        const { offsetTop, offsetHeight } = document.getElementById(id);
        window.scrollTo(0, offsetTop + offsetHeight * share - innerHeight);
      }, id, share);
    await bottom("far", 0.7);
    await bottom("far", 0.9);
    await arrived(3);
    await bottom("last", 0.9);
    await bottom("last", 1);
    await until("the last", () => names(served.events()).includes("last_view"));
    const viewed = names(served.events()).filter((name) => name !== "tall_view");
    assert.deepEqual(viewed.toSorted(), ["element_view", "far_view", "last_view", "post_view"]);
  });

  test(`${engine}: what is taller than the viewport is viewed when it covers that share of the viewport`, async (t) => {
    const { page, arrived, served } = await visit(t, { engine, path });
    await restart(page, { viewTime: 50 });
    await arrived(2);
    const top = await page.evaluate(() => document.getElementById("tall").offsetTop / innerHeight);
    await scrollTo(page, top - 0.6);
    await page.evaluate(() => window.footfall.track("not_yet"));
    await scrollTo(page, top - 0.4);
    await until("the tall one", () => names(served.events()).includes("tall_view"));
  });

  test(`${engine}: elements and attributes that come later count, each once in a view of the page`, async (t) => {
    const { page, arrived, served } = await visit(t, { engine, path });
    await restart(page, { viewTime: 20 });
    await arrived(2);
    await page.evaluate(() => {
      const late = document.createElement("p");
      late.dataset.trackView = "late_view";
      document.body.prepend(late);
    });
    await arrived(3);
    await page.evaluate(() => document.body.append(document.querySelector("[data-track-view=late_view]")));
    await page.evaluate(() => {
      const marked = document.body.appendChild(document.createElement("p"));
      marked.id = "marked";
      document.body.prepend(marked);
    });
    await page.evaluate(() => (document.getElementById("marked").dataset.trackView = "marked_view"));
    await arrived(4);
    assert.deepEqual(names(served.events()).slice(-2), ["late_view", "marked_view"]);
    await page.evaluate(() => window.footfall.page());
    const told = (name) => names(served.events()).filter((one) => one === name).length;
    const marks = ["post_view", "element_view", "marked_view"];
    await until("all of them again", () => marks.every((mark) => told(mark) === 2));
  });

  test(`${engine}: what is removed or hidden in time was not viewed`, async (t) => {
    const { page, arrived } = await visit(t, { engine, path });
    await restart(page, { viewTime: 300 });
    await page.evaluate(() => {
      document.getElementById("unnamed").remove();
      Object.defineProperty(document, "hidden", { get: () => window.isHidden, configurable: true });
      window.isHidden = true;
      document.dispatchEvent(new Event("visibilitychange"));
      document.getElementById("post").style.height = "150px";
      setTimeout(() => window.footfall.track("later"), 600);
    });
    assert.deepEqual(names(await arrived(1)), ["later"]);
    await page.evaluate(() => {
      window.isHidden = false;
      document.dispatchEvent(new Event("visibilitychange"));
    });
    only(await arrived(2), "post_view");
  });

  test(`${engine}: a browser without IntersectionObserver captures everything else`, async (t) => {
    const prepare = (page) => page.evaluateOnNewDocument(() => delete window.IntersectionObserver);
    const { page, arrived, errors } = await visit(t, { engine, path, prepare });
    await page.evaluate(() => window.footfall.track("fine"));
    assert.deepEqual(names(await arrived(1)), ["fine"]);
    assert.deepEqual(await errors(), []);
  });
}
