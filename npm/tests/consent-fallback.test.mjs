// The loader without its module asks for consent as the module does.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { call, closeBrowsers, engines, kept, names, NOTHING_KEPT, visit } from "./support/visit.mjs";

after(closeBrowsers);

const path = "/consent.html";
const CHOICE = "footfall:pk_test:consent";

/** A visitor whose browser does not get the module. */
async function blocked(t, options) {
  const visitor = await visit(t, { wait: false, blocked: (path) => path.endsWith(".wasm"), ...options });
  assert.equal(await visitor.ready(), false);
  return visitor;
}

for (const engine of engines) {
  test(`${engine}: the loader alone sends and stores nothing before the visitor has agreed`, async (t) => {
    const { page, served, go, arrived, ready, errors } = await blocked(t, { engine, path });
    await page.click("#like");
    await call(page, ["track", "left_behind"]);
    await go(`${path}?next`);
    assert.equal(await ready(), false);
    await call(page, ["track", "held"]);
    const heldBy = await page.evaluate(() => Date.now());
    assert.deepEqual(await kept(page), NOTHING_KEPT);
    assert.equal(served.requests.length, 0);
    await call(page, ["consent", "granted"]);
    const events = await arrived(2);
    assert.deepEqual(names(events), ["page", "held"]);
    assert.ok(events.every(({ timestamp }) => timestamp <= heldBy));
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: what the loader held is forgotten when the visitor denies, though they agree later`, async (t) => {
    for (const denial of [["consent", "denied"], ["optOut"]]) {
      const { page, arrived } = await blocked(t, { engine, path });
      await call(page, ["track", "held"], denial, ["track", "denied_too"], ["consent", "granted"], ["track", "agreed"]);
      await page.goto("about:blank");
      assert.deepEqual(names(await arrived(1)), ["agreed"]);
    }
  });

  test(`${engine}: a visitor who opted out before is told nothing of by the loader alone`, async (t) => {
    const prepare = (page) => page.evaluateOnNewDocument((choice) => (localStorage[choice] ??= '{"analytics":"denied"}'), CHOICE);
    const { page, served, go, ready } = await blocked(t, { engine, path: "/page.html", prepare });
    await page.click("#like");
    await call(page, ["track", "denied"]);
    await go();
    assert.equal(await ready(), false);
    assert.deepEqual(Object.keys((await kept(page)).local), [CHOICE]);
    assert.equal(served.requests.length, 0);
  });

  test(`${engine}: the loader alone, which knows no categories, tells nothing where one was denied`, async (t) => {
    const init = { categories: { ad_seen: "marketing" } };
    const { page, served, go, ready } = await blocked(t, { engine, init });
    await call(page, ["consent", { analytics: "granted", marketing: "denied" }], ["track", "ad_seen"]);
    await go();
    assert.equal(await ready(), false);
    assert.ok(!names(served.events()).includes("ad_seen"));
  });

  test(`${engine}: what is no consent is none to the loader alone`, async (t) => {
    const { page, served, go, ready } = await blocked(t, { engine, path });
    for (const odd of [[], [null], ["no"], [false], ["{"], [{}]]) await call(page, ["consent", ...odd], ["track", "held"]);
    await go();
    assert.equal(await ready(), false);
    assert.equal(served.requests.length, 0);
  });

  test(`${engine}: the loader alone keeps no id where the visitor asks for privacy, and is silent where the site says so`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => true }));
    const { page, arrived } = await blocked(t, { engine, path: "/page.html", prepare });
    await call(page, ["track", "told"]);
    await page.goto("about:blank");
    const [event] = await arrived(1);
    assert.equal(event.context.anonymous_id, undefined);

    const off = await blocked(t, { engine, init: { privacy: "off" }, prepare });
    await call(off.page, ["track", "denied"]);
    await off.go();
    assert.equal(await off.ready(), false);
    assert.deepEqual(await kept(off.page), NOTHING_KEPT);
    assert.equal(off.served.requests.length, 0);
  });
}
