// What a visitor agreed to: nothing is sent or stored before, what is denied is forgotten, and a choice is remembered.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "./support/site.mjs";
import { call, closeBrowsers, engines, kept, names, NOTHING_KEPT, visit } from "./support/visit.mjs";

after(closeBrowsers);

const path = "/consent.html";
const CHOICE = "footfall:pk_test:consent";

/** All that a site was asked for by the SDK. */
const asked = ({ requests, configs }) => requests.length + configs.length;

for (const engine of engines) {
  test(`${engine}: before the visitor has agreed nothing is sent or stored; then what was held is sent, with its own times`, async (t) => {
    const { page, served, go, arrived, errors } = await visit(t, { engine, path });
    await page.click("#like");
    await call(page, ["track", "left_behind"], ["identify", "ann"], ["flush"]);
    assert.deepEqual(await kept(page), NOTHING_KEPT);
    // The first page goes without an answer; what it held goes with it.
    await go(`${path}?next`);
    await call(page, ["track", "held"]);
    const heldBy = await page.evaluate(() => Date.now());
    await until("the clock to move on", () => page.evaluate((then) => Date.now() > then + 20, heldBy));
    assert.deepEqual(await kept(page), NOTHING_KEPT);
    assert.equal(asked(served), 0);

    await call(page, ["consent", "granted"], ["track", "after"]);
    const events = await arrived(3);
    assert.deepEqual(names(events), ["page", "held", "after"]);
    assert.ok(events[0].timestamp <= heldBy && events[1].timestamp <= heldBy && events[2].timestamp > heldBy);
    assert.ok(events.every(({ context }) => context.consent.analytics === true));
    const { local } = await kept(page);
    assert.equal(local["footfall:pk_test:anonymous_id"], events[0].context.anonymous_id);

    await go();
    await call(page, ["track", "later"]);
    assert.deepEqual(names(await arrived(5)).slice(3), ["page", "later"], "the choice is remembered");
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: what was held is forgotten where the visitor denies`, async (t) => {
    const { page, served, go, arrived } = await visit(t, { engine, path });
    await call(page, ["track", "held"], ["identify", "ann"], ["consent", "denied"], ["track", "denied"], ["flush"]);
    assert.deepEqual(await kept(page), { ...NOTHING_KEPT, local: { [CHOICE]: '{"analytics":"denied"}' } });
    await go();
    await call(page, ["track", "denied_too"], ["flush"]);
    assert.deepEqual(Object.keys((await kept(page)).local), [CHOICE], "on later pages too");
    assert.equal(asked(served), 0);
    await call(page, ["consent", "granted"], ["track", "granted"]);
    const [event] = await arrived(1);
    assert.equal(event.event, "granted");
    assert.equal(event.context.user_id, undefined);
  });

  test(`${engine}: categories are agreed to one by one, and remembered`, async (t) => {
    const init = { consent: "pending", categories: { ad_seen: "marketing", ad_clicked: "marketing" } };
    const { page, go, arrived } = await visit(t, { engine, init });
    await call(page, ["track", "ad_seen"], ["track", "read"], ["consent", { analytics: "granted" }]);
    assert.deepEqual(names(await arrived(1)), ["read"], "the other one waits");
    await call(page, ["consent", { marketing: "denied" }], ["track", "ad_seen"], ["track", "read_again"]);
    const events = await arrived(2);
    assert.deepEqual(names(events), ["read", "read_again"]);
    assert.deepEqual(events[1].context.consent, { analytics: true, marketing: false });

    await go();
    await call(page, ["track", "ad_clicked"], ["track", "on_the_next_page"]);
    assert.deepEqual(names(await arrived(3)).slice(2), ["on_the_next_page"]);
    await call(page, ["consent", { marketing: "granted" }], ["track", "ad_clicked"]);
    assert.deepEqual(names(await arrived(4)).slice(3), ["ad_clicked"]);
    await call(page, ["consent", { analytics: "denied" }], ["track", "ad_clicked"], ["track", "read"], ["flush"]);
    await go();
    await call(page, ["consent", "granted"], ["track", "end"]);
    assert.deepEqual(names(await arrived(5)).slice(4), ["end"], "all needs the first category");
  });

  test(`${engine}: optOut deletes all but the choice and is silent on later pages, until optIn`, async (t) => {
    const init = { capture: { pages: true, leave: false } };
    const { page, served, go, arrived, errors } = await visit(t, { engine, init });
    await call(page, ["identify", "ann"], ["group", "staff"], ["track", "before"]);
    const before = await arrived(4);
    await until("the config", () => served.configs.length === 1);
    await call(page, ["track", "unsent"], ["optOut"], ["track", "after"], ["flush"]);
    assert.deepEqual(Object.keys((await kept(page)).local), [CHOICE]);
    assert.deepEqual((await kept(page)).session, {});
    const sent = served.requests.length;
    await go();
    await call(page, ["track", "on_the_next_page"], ["identify", "ann"], ["flush"]);
    assert.deepEqual(Object.keys((await kept(page)).local), [CHOICE]);
    assert.deepEqual([served.requests.length, served.configs.length], [sent, 1]);
    await call(page, ["optIn"], ["track", "again"]);
    const events = await arrived(5);
    assert.deepEqual(names(events).slice(4), ["again"]);
    assert.notEqual(events[4].context.anonymous_id, before[0].context.anonymous_id);
    assert.deepEqual([events[4].context.user_id, events[4].context.group_id], [undefined, undefined]);
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: a choice holds in the other tabs too, at once`, async (t) => {
    const { page, served, newPage, go, arrived } = await visit(t, { engine, init: {} });
    const other = await newPage();
    await go("/own.html", other);
    await call(other, ["track", "other"]);
    await arrived(1);
    await call(page, ["optOut"]);
    await until("the other tab to hear of it", async () => {
      const { local } = await kept(other);
      await call(other, ["track", "denied"], ["flush"]);
      return Object.keys((await kept(other)).local).length === 1 && Object.keys(local).length === 1;
    });
    const sent = served.requests.length;
    await call(other, ["track", "denied"], ["flush"]);
    await go("/own.html", other);
    assert.equal(served.requests.length, sent);
  });

  test(`${engine}: optIn takes back optOut, and no other choice`, async (t) => {
    const init = { categories: { ad_seen: "marketing" } };
    const { page, arrived } = await visit(t, { engine, init });
    await call(page, ["consent", { marketing: "denied" }], ["optOut"], ["optIn"], ["track", "ad_seen"], ["track", "read"]);
    assert.deepEqual(names(await arrived(1)), ["read"]);
  });

  test(`${engine}: what is no consent is none`, async (t) => {
    const { page, served, go } = await visit(t, { engine, path });
    for (const odd of [[], [null], ["no"], [false], [true], ["{"], [{}], [{ analytics: "yes" }], [{ marketing: "granted" }], [[]]]) {
      await call(page, ["consent", ...odd], ["track", "held"], ["flush"]);
    }
    await go();
    assert.equal(asked(served), 0);
  });

  test(`${engine}: a choice that cannot be read is no consent, and harms nothing`, async (t) => {
    const prepare = (page) => page.evaluateOnNewDocument((choice) => (localStorage[choice] ??= "{broken"), CHOICE);
    const { page, served, arrived, errors } = await visit(t, { engine, path, prepare });
    await call(page, ["track", "held"], ["consent", "{broken too"], ["flush"]);
    assert.equal(asked(served), 0);
    await call(page, ["consent", "granted"]);
    assert.deepEqual(names(await arrived(2)), ["page", "held"]);
    assert.deepEqual(await errors(), []);
  });
}
