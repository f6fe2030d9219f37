// Forms: what is told of those that are sent and those that are left, and that nothing typed ever is.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { countListeners, listensFor, NOTHING } from "./support/listeners.mjs";
import { closeBrowsers, engines, names, only, taken, visit } from "./support/visit.mjs";

after(closeBrowsers);

for (const engine of engines) {
  const visitForms = async (t) => {
    const visited = await visit(t, { engine, path: "/forms.html", prepare: countListeners });
    await listensFor(visited.page, "submit");
    return visited;
  };

  test(`${engine}: a form that is sent tells the fields touched, in order, and nothing that was typed`, async (t) => {
    const { page, served, arrived, errors } = await visitForms(t);
    await page.type("#email-field", "ann@example.org");
    await page.type("[name=password]", "hunter2");
    await page.click("#free");
    await page.click("#paid");
    await page.type("#iban", "DE02100100109307118603");
    await page.type("#about", "a long story");
    await page.type("#email-field", "x");
    await page.type("#outside", "weekly");
    await page.click("#send");
    await taken(page, 2);
    assert.equal(await page.evaluate(() => window.submits), 1);
    await page.evaluate(() => window.footfall.flush());
    const { duration_ms, ...told } = only(await arrived(2), "form_submit").properties;
    assert.deepEqual(told, {
      plan: "free",
      tag: "form",
      id: "signup",
      name: "join",
      action: "/joined",
      fields: ["email", "password", "plan", "about", "newsletter"],
      count: 6,
    });
    assert.ok(duration_ms > 0 && duration_ms < 60_000, String(duration_ms));
    const texts = JSON.stringify(served.requests.map(({ batch }) => batch));
    for (const typed of ["ann@", "hunter2", "DE0210", "iban", "long story", "weekly", "paid-plan", "free-plan", "s3cret"]) {
      assert.ok(!texts.includes(typed), typed);
    }
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: a form that is sent again counts again, with what was touched since`, async (t) => {
    const { page, arrived } = await visitForms(t);
    await page.type("#about", "one");
    await page.click("#send");
    await page.click("#send");
    await page.type("[name=password]", "two");
    await page.click("#send");
    await taken(page, 4);
    await page.goto("about:blank");
    const events = await arrived(4);
    assert.deepEqual(names(events), ["page", "form_submit", "form_submit", "form_submit"]);
    assert.deepEqual(events.slice(1).map(({ properties }) => properties.fields), [["about"], [], ["password"]]);
  });

  test(`${engine}: a form that was touched and left with the page is told as abandoned, once`, async (t) => {
    const { page, served, arrived } = await visitForms(t);
    await page.type("#about", "a draft");
    await page.goto("about:blank");
    const { properties } = only(await arrived(2), "form_abandon");
    assert.deepEqual([properties.id, properties.fields, properties.count], ["signup", ["about"], 1]);
    assert.ok(!JSON.stringify(served.requests).includes("a draft"));
  });

  test(`${engine}: a form that is taken out of the page is abandoned; one that is moved is not`, async (t) => {
    const { page, arrived } = await visitForms(t);
    await page.type("#about", "a draft");
    await page.evaluate(() => {
      const form = document.querySelector("#signup");
      form.remove();
      document.body.append(form);
    });
    await page.type("#about", " goes on");
    await page.evaluate(() => document.querySelector("#signup").remove());
    await taken(page, 2);
    await page.goto("about:blank");
    assert.deepEqual(names(await arrived(2)), ["page", "form_abandon"]);
  });

  test(`${engine}: a form in a shadow root is told as well, and one whose fields have the names of its properties`, async (t) => {
    const { page, arrived, errors } = await visitForms(t);
    await page.evaluate(() => document.querySelector("#host").shadowRoot.querySelector("#inside").focus());
    await page.keyboard.press("a");
    await page.keyboard.press("Enter");
    await page.type("#clobbering", "b");
    await page.click("#send-named");
    await taken(page, 3);
    await page.evaluate(() => window.footfall.flush());
    const [, inner, named] = await arrived(3);
    assert.deepEqual([inner.event, inner.properties.id, inner.properties.fields], ["form_submit", "inner", ["inside"]]);
    assert.deepEqual([named.event, named.properties.id, named.properties.fields], ["form_submit", "named", ["id"]]);
    assert.equal(named.properties.name, undefined);
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: nothing of the forms listens after shutdown`, async (t) => {
    const { page, arrived } = await visitForms(t);
    await page.type("#about", "a draft");
    await page.evaluate(() => window.footfall.shutdown());
    assert.deepEqual(await page.evaluate(() => window.listening()), NOTHING);
    await page.click("#send");
    await page.goto("about:blank");
    assert.deepEqual(names(await arrived(1)), ["page"]);
  });
}
