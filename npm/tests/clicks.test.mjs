// Clicks, in each engine: what is told of them, which count, and which are rage or dead.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { closeBrowsers, engines, names, visit } from "./support/visit.mjs";

after(closeBrowsers);

const path = "/clicks.html";

/** Clicks elements by id, all in one task, and settles what became of them. */
const clickAll = (page, ids) =>
  page.evaluate((ids) => {
    for (const id of ids) document.getElementById(id).dispatchEvent(new MouseEvent("click", { bubbles: true, composed: true, cancelable: true }));
    window.footfall.flush();
  }, ids);

/** The properties of what was clicked, by id. */
async function told(t, engine, ids) {
  const { page, arrived, errors } = await visit(t, { engine, path });
  await clickAll(page, ids);
  const events = await arrived(ids.length);
  assert.equal(events.length, ids.length, String(names(events)));
  assert.deepEqual(await errors(), []);
  return events;
}

for (const engine of engines) {
  test(`${engine}: a click is told with tag, id, role, own properties, text and a short selector`, async (t) => {
    const ids = ["plain", ":r1:", "tracked", "card", "role", "typed", "summary", "long", "address"];
    const events = await told(t, engine, ids);
    assert.deepEqual(names(events), ["click", "click", "like", "card", "click", "click", "click", "click", "click"]);
    assert.deepEqual(events.map(({ properties }) => properties), [
      { tag: "button", id: "plain", text: "Add to cart", selector: "#plain" },
      { tag: "button", id: ":r1:", text: "Second", selector: "main>button:nth-of-type(3)" },
      { tag: "button", id: "tracked", role: "switch", post_id: "42", text: "Like", selector: "#tracked" },
      { tag: "div", id: "card", kind: "wide", selector: "#card" },
      { tag: "div", id: "role", role: "button", text: "Open", selector: "#role" },
      { tag: "input", id: "typed", selector: "#typed" },
      { tag: "summary", id: "summary", text: "More", selector: "#summary" },
      { tag: "button", id: "long", text: "0123456789 ".repeat(6).slice(0, 64), selector: "#long" },
      { tag: "button", id: "address", text: "Write to [email]", selector: "#address" },
    ]);
  });

  test(`${engine}: a link tells where it leads, and whether out of the site or to a file`, async (t) => {
    const events = await told(t, engine, ["inside", "within", "outside", "file", "saved", "mail", "broken", "drawn"]);
    const links = events.map(({ properties: { href, outbound, download } }) => [href, outbound, download]);
    assert.deepEqual(links.toSpliced(6, 1), [
      ["/t/2", undefined, undefined],
      ["/t/2", undefined, undefined],
      ["https://b.example/x", true, undefined],
      ["/files/report.pdf", undefined, true],
      ["/t/3", undefined, true],
      ["mailto:", undefined, undefined],
      [undefined, undefined, undefined],
    ]);
    assert.equal(events[7].properties.tag, "a");
  });

  test(`${engine}: what is typed, edited or masked is never told`, async (t) => {
    const ids = ["masked", "ruled", "ssn", "around", "editor", "password", "area"];
    const events = await told(t, engine, ids);
    assert.deepEqual(events.map(({ properties }) => properties.id), ids);
    assert.ok(!JSON.stringify(events).includes("secret"), JSON.stringify(events));
  });

  test(`${engine}: clicks in shadow roots are told, of a closed one its host`, async (t) => {
    const { page, arrived } = await visit(t, { engine, path });
    await page.evaluate(() => {
      const { shadowRoot } = document.getElementById("host");
      shadowRoot.querySelectorAll("button")[1].click();
      document.getElementById("slotted").click();
      document.getElementById("closed").click();
      window.footfall.flush();
    });
    const events = await arrived(2);
    assert.deepEqual(events.map(({ properties }) => properties), [
      { tag: "button", text: "Two", selector: "#host>>>div>button:nth-of-type(2)" },
      { tag: "div", id: "closed", selector: "#closed" },
    ]);
  });

  test(`${engine}: the keyboard clicks once, a label and its input are one click`, async (t) => {
    const { page, arrived } = await visit(t, { engine, path });
    const press = async (id, key) => {
      await page.evaluate((id) => document.getElementById(id).focus(), id);
      await page.keyboard.press(key);
    };
    await press("plain", "Enter");
    await press("plain", " ");
    await press("inside", "Enter");
    await page.click("#caption");
    await page.click("#box");
    await page.click("#naming");
    await page.evaluate(() => window.footfall.flush());
    const events = await arrived(6);
    assert.deepEqual(
      events.map(({ event, properties }) => [event, properties.id]),
      [["click", "plain"], ["click", "plain"], ["click", "inside"], ["agree", "wrapping"], ["agree", "wrapping"], ["click", "named"]],
    );
    assert.equal(await page.evaluate(() => document.getElementById("box").checked), false, "clicked twice");
  });

  test(`${engine}: the middle button counts, the right one does not, nor what cannot be clicked`, async (t) => {
    const { page, arrived } = await visit(t, { engine, path });
    await page.evaluate(() => {
      const link = document.getElementById("inside");
      for (const button of [1, 2, 3]) link.dispatchEvent(new MouseEvent("auxclick", { button, bubbles: true, cancelable: true }));
      document.getElementById("nothing").click();
      window.footfall.track("end");
    });
    assert.deepEqual(names(await arrived(2)), ["click", "end"]);
  });

  test(`${engine}: the third click within a second near the same spot is rage`, async (t) => {
    const { page, arrived } = await visit(t, { engine, path });
    await page.evaluate(() => {
      const click = (clientX) =>
        document.getElementById("plain").dispatchEvent(new MouseEvent("click", { detail: 1, clientX, clientY: 5, bubbles: true }));
      for (const x of [5, 10, 15, 10, 200, 400, 600]) click(x);
      window.footfall.flush();
    });
    const events = await arrived(7);
    assert.deepEqual(events.map(({ properties }) => properties.rage ?? false), [false, false, true, false, false, false, false]);
  });

  test(`${engine}: clicks that are a second apart are no rage, and a click after which nothing happens is dead`, async (t) => {
    const { page, arrived } = await visit(t, { engine, path });
    for (const count of [1, 2, 3]) {
      await page.click("#dead");
      const clickedBy = await page.evaluate(() => Date.now());
      const { timestamp, properties } = (await arrived(count)).at(-1);
      assert.ok(timestamp <= clickedBy, "told with its own time");
      assert.deepEqual(properties, { tag: "button", id: "dead", text: "Dead", selector: "#dead", dead: true });
    }
  });

  test(`${engine}: a click that changes anything is not dead`, async (t) => {
    const { page, arrived } = await visit(t, { engine, path });
    const actions = await page.evaluate(() => [...document.querySelectorAll("[data-does]")].map((button) => button.dataset.does));
    let count = 0;
    for (const action of [...actions.filter((action) => action !== "shadow"), "own"]) {
      await page.evaluate((action) => {
        const roots = [document, document.getElementById("shadow").shadowRoot];
        roots.map((root) => root.querySelector(`[data-does=${action}]`)).find(Boolean).click();
      }, action);
      count += action === "track" ? 2 : 1;
      const event = (await arrived(count)).findLast((event) => event.event === "click");
      assert.deepEqual([action, event.properties.dead], [action, undefined]);
    }
  });

  test(`${engine}: what cannot be seen to answer is not called dead: links that are followed, fields`, async (t) => {
    const { page, arrived } = await visit(t, { engine, path });
    await page.evaluate(() => {
      const link = document.body.appendChild(document.createElement("a"));
      link.href = "mailto:";
      link.id = "followed";
      addEventListener("click", (event) => event.stopImmediatePropagation());
    });
    await page.evaluate(() => {
      for (const id of ["followed", "area", "password"]) document.getElementById(id).click();
    });
    const events = await arrived(3);
    assert.ok(events.every(({ properties }) => !properties.dead), JSON.stringify(events));
  });

  test(`${engine}: a click stands before what the page tells after it, and belongs to the page it was on`, async (t) => {
    const { page, arrived } = await visit(t, { engine, path });
    await page.evaluate(() => {
      window.footfall.shutdown();
      window.footfall.init({ key: "pk_test" });
      return window.footfall.ready();
    });
    await page.evaluate(async () => {
      const { footfall } = window;
      const plain = document.getElementById("plain");
      const after = () => history.pushState({}, "", "/elsewhere");
      // As it is with a visitor, each click has a task of its own; what its handlers call is carried out at the task's end.
      for (const then of [() => footfall.track("first"), () => footfall.identify("ann"), () => footfall.page(), after]) {
        plain.addEventListener("click", then, { once: true });
        plain.click();
        await new Promise((resolve) => { setTimeout(resolve); });
      }
      footfall.flush();
    });
    const events = (await arrived(11)).filter((event) => event.event !== "page_leave");
    assert.deepEqual(names(events), ["page", "click", "first", "click", "identify", "click", "page", "click", "page"]);
    const paths = events.map(({ context }) => context.page.path);
    assert.deepEqual(paths.slice(-2), [path, "/elsewhere"]);
    const views = events.map(({ context }) => context.page_view_id);
    assert.equal(new Set(views.slice(0, 6)).size, 1);
    assert.equal(new Set(views).size, 3);
  });

  test(`${engine}: clicks are told when the page goes, and by nobody where they are switched off`, async (t) => {
    const { page, arrived } = await visit(t, { engine, path });
    // It goes by itself: a slow driver would take the second after which a click is dead.
    await page.evaluate(() => document.getElementById("dead").addEventListener("click", () => location.assign("about:blank")));
    await page.click("#dead");
    const [event] = await arrived(1);
    assert.equal(event.properties.dead, undefined, "the page went, which is an answer");

    const off = await visit(t, { engine, path });
    await off.page.evaluate(async () => {
      window.footfall.shutdown();
      window.footfall.init({ key: "pk_test", flushInterval: 100, capture: { clicks: false, views: false, pages: false, leave: false } });
      await window.footfall.ready();
      document.getElementById("plain").click();
      window.footfall.track("end");
    });
    assert.deepEqual(names(await off.arrived(1)), ["end"]);
  });
}
