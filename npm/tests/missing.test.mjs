// What the browser lacks, or the page has replaced by something that throws: the page is left alone, and events still arrive.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { closeBrowsers, engines, names, visit } from "./support/visit.mjs";

after(closeBrowsers);

/** By name, where it is, so that it can be taken away or made to throw. */
const PLACES = {
  sendBeacon: "Navigator.prototype",
  fetch: "window",
  crypto: "window",
  getRandomValues: "Crypto.prototype",
  IntersectionObserver: "window",
  MutationObserver: "window",
  requestIdleCallback: "window",
  scheduler: "window",
  postTask: "window.Scheduler?.prototype",
  CompressionStream: "window",
  locks: "Navigator.prototype",
  request: "window.LockManager?.prototype",
  localStorage: "window",
  sessionStorage: "window",
  setItem: "Storage.prototype",
  getItem: "Storage.prototype",
  getEntriesByType: "Performance.prototype",
  timeout: "AbortSignal",
  pushState: "History.prototype",
  DateTimeFormat: "Intl",
  instantiateStreaming: "WebAssembly",
};
/** Getters of the browser: naming them is what throws. */
const GETTERS = new Set(["crypto", "localStorage", "sessionStorage", "locks", "scheduler"]);

/** Runs in the page. */
function replace(name, place, how) {
  // oxlint-disable-next-line no-eval -- a place in the page
  const owner = (0, eval)(place);
  if (!owner) return;
  const fail = () => {
    throw new Error(`the page's own ${name}`);
  };
  const made = { missing: { value: undefined, writable: true }, "that throws": { value: fail, writable: true }, "that throws when it is named": { get: fail } };
  Object.defineProperty(owner, name, { ...made[how], configurable: true });
}

for (const engine of engines) {
  for (const [name, place] of Object.entries(PLACES)) {
    const ways = ["missing", GETTERS.has(name) ? "that throws when it is named" : "that throws"];
    test(`${engine}: ${name} ${ways.join(" or ")}`, async (t) => {
      for (const how of ways) {
        const prepare = (page) => page.evaluateOnNewDocument(replace, name, place, how);
        const { page, arrived, errors, ready } = await visit(t, { engine, prepare, wait: false });
        await ready();
        await page.click("#like");
        await page.evaluate(() => {
          window.footfall.track("called", { text: "many words ".repeat(200) });
          window.footfall.flush();
          history.replaceState({}, "", "/page.html?q");
        });
        assert.deepEqual(await errors(), [], how);
        await page.goto("about:blank");
        const told = names(await arrived(3));
        // The route is a view, too.
        for (const wanted of ["like", "called"]) assert.equal(told.filter((name) => name === wanted).length, 1, `${how}: ${wanted} in ${told}`);
        assert.ok(told.includes("page"), `${how}: page in ${told}`);
        await page.goBack();
        assert.deepEqual(await errors(), [], how);
      }
    });
  }

  test(`${engine}: with neither fetch nor sendBeacon nothing can be sent, and the page does not notice`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        delete window.fetch;
        delete Navigator.prototype.sendBeacon;
      });
    const { page, errors, ready } = await visit(t, { engine, prepare, wait: false });
    assert.equal(await ready(), false);
    await page.click("#like");
    await page.evaluate(() => window.footfall.track("called"));
    await page.goto("about:blank");
    await page.goBack();
    assert.deepEqual(await errors(), []);
  });
}
