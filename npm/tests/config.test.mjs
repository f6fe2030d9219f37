// What the server says that a site should capture: it counts without a release of the site, and nothing depends on it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "./support/site.mjs";
import { call, closeBrowsers, engines, kept, names, only, visit } from "./support/visit.mjs";

after(closeBrowsers);

const STORED = "footfall:pk_test:config";
const CONFIG = JSON.stringify({ capture: { forms: true }, key_events: ["purchase"], sample: { noisy: 0 } });
const QUIET = { clicks: false, views: false, pages: false, leave: false };

/** Sends the form without leaving the page, which Firefox does for an event from a script, too. */
const submit = (page) =>
  page.evaluate(() => {
    document.querySelector("#field").dispatchEvent(new Event("input", { bubbles: true }));
    const form = document.querySelector("#form");
    form.onsubmit = () => false;
    form.dispatchEvent(new SubmitEvent("submit", { bubbles: true, cancelable: true }));
  });

/** Sends the form until that is told: the second part comes when it comes. */
const submitted = (page, served) =>
  until("a form to be told", async () => {
    await submit(page);
    return names(served.events()).includes("form_submit");
  });

const stored = async (page) => (await kept(page)).local[STORED];

for (const engine of engines) {
  test(`${engine}: captures, key events and shares are switched on without a release, and remembered`, async (t) => {
    const answered = [];
    const config = (count) => (answered.push(count), count === 1 ? CONFIG : 500);
    const { page, served, go, arrived, errors } = await visit(t, { engine, init: {}, config });
    await until("the config", () => stored(page));
    assert.equal(served.configs[0].pathname, "/v1/config/pk_test");
    await submitted(page, served);
    await call(page, ["track", "noisy"], ["track", "purchase"]);
    const isKey = ({ url, batch }) => url.searchParams.get("priority") === "key" && batch.events[0].event === "purchase";
    await until("the key event", () => served.requests.some(isKey));

    await go("/own.html?next");
    const sent = served.requests.length;
    await call(page, ["track", "noisy"], ["track", "purchase"]);
    await until("the key event", () => served.requests.slice(sent).some(isKey));
    await submitted(page, served);
    assert.equal(await stored(page), CONFIG, "the last one holds while the server cannot tell");
    assert.ok(!names(await arrived(1)).includes("noisy"));
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: what the page says itself comes first`, async (t) => {
    const init = { capture: { ...QUIET, forms: false }, keyEvents: [], sample: { noisy: 1 } };
    const { page, served, go, arrived } = await visit(t, { engine, init, config: () => CONFIG });
    await until("the config", () => stored(page));
    await go("/own.html?next");
    await submit(page);
    await call(page, ["track", "noisy"], ["track", "purchase"]);
    const events = await arrived(2);
    assert.deepEqual(names(events), ["noisy", "purchase"]);
    assert.equal(only(events, "purchase").key_event, undefined);
    assert.ok(served.requests.every(({ url }) => url.searchParams.get("priority") === "normal"));
  });

  test(`${engine}: a share of sessions that the server says is kept to`, async (t) => {
    const { page, served, go } = await visit(t, { engine, init: {}, config: () => '{"sample_rate":0.000001}' });
    await until("the config", () => stored(page));
    const sent = served.requests.length;
    await call(page, ["track", "like"], ["flush"]);
    await go("/own.html?next");
    await call(page, ["track", "like"], ["flush"]);
    await go();
    assert.equal(served.requests.length, sent);
  });

  test(`${engine}: whatever is answered instead harms nothing, on that page and the next`, async (t) => {
    const answers = [404, 500, "", "words", "null", "[]", "5", "{", '{"capture":"forms","sample":5,"key_events":5,"sample_rate":"half"}',
      '{"capture":null,"sample":null,"key_events":[5],"sample_rate":7}', '{"sample":{"like":"half"},"capture":{"clicks":"yes","odd":true}}',
      `{"key_events":["${"x".repeat(30_000)}"]}`];
    const { page, served, go, arrived, errors, said } = await visit(t, { engine, init: { debug: true }, config: (count) => answers[count - 1] ?? "{}" });
    let count = 0;
    for (const answer of [...answers, "none"]) {
      await until(`the answer ${answer}`, () => served.configs.length > count);
      await call(page, ["track", "like"], ["flush"]);
      assert.equal((await arrived(++count)).length, count, String(answer));
      assert.deepEqual(await errors(), []);
      await go(`/own.html?${count}`);
    }
    assert.deepEqual(said.filter((line) => /failed/.test(line)), []);
  });

  test(`${engine}: nothing waits for it`, async (t) => {
    let release;
    const waited = new Promise((resolve) => (release = resolve));
    t.after(() => release("{}"));
    const { page, served, arrived } = await visit(t, { engine, init: {}, config: () => waited });
    await until("the question", () => served.configs.length === 1);
    await call(page, ["track", "like"]);
    assert.deepEqual(names(await arrived(1)), ["like"]);
  });
}
