// The SDK in each engine that is here, from the script tag to the requests that leave.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "./support/site.mjs";
import { call, closeBrowsers, engines, names, only, taken, visit } from "./support/visit.mjs";

after(closeBrowsers);

for (const engine of engines) {
  test(`${engine}: clicks, a view, a call and a page view arrive exactly once when the visitor navigates away`, async (t) => {
    const { page, arrived, errors } = await visit(t, { engine, path: "/page.html?utm_source=mail&q=private#part" });
    await page.click("#plain");
    await page.click("#like");
    await page.evaluate(() => window.footfall.track("searched", { words: 2 }));
    // The view leaves with the rest when the page goes; the state tells that it was taken.
    await taken(page, 5);
    await page.click("#next");
    await page.waitForFunction(() => location.search.includes("next=1") && window.footfall?.ready);
    await page.evaluate(() => window.footfall.ready());
    await page.evaluate(() => window.footfall.flush());

    const events = await arrived(8);
    const viewed = only(events, "post_view");
    assert.deepEqual(names(events.filter((event) => event !== viewed)), ["page", "click", "like", "searched", "click", "page_leave", "page"]);
    assert.deepEqual(events.map((event) => event.seq), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.equal(new Set(events.map((event) => event.event_id)).size, 8);
    assert.deepEqual(viewed.properties, { post_id: "7", tag: "article", id: "post" });
    assert.deepEqual(only(events, "like").properties, { post_id: "42", tag: "button", id: "like", text: "Like", selector: "#like" });
    assert.deepEqual(events.filter(({ event }) => event === "click").map(({ properties }) => properties), [
      { tag: "button", id: "plain", text: "Add to cart", selector: "#plain" },
      { tag: "a", id: "next", text: "Next", selector: "#next", href: "/page.html" },
    ]);

    const [first, last] = [events[0].context, events[7].context];
    assert.match(first.page.url, /\/page\.html\?utm_source=mail$/);
    assert.deepEqual([first.page.path, first.page.title], ["/page.html", "A page"]);
    assert.equal(first.anonymous_id, last.anonymous_id);
    assert.equal(first.session_id, last.session_id);
    assert.notEqual(first.page_view_id, last.page_view_id);
    assert.match(last.page.referrer, /\/page\.html\?utm_source=mail$/);
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: what leaves needs no preflight, carries key and priority, and keeps key events apart`, async (t) => {
    const { page, served, acted } = await visit(t, { engine });
    await page.evaluate(() => {
      window.footfall.track("first");
      window.footfall.track("purchase");
    });
    await acted(3);
    // The page event may have left before.
    assert.deepEqual([...new Set(served.requests.map(({ url }) => url.search))], [
      "?key=pk_test&priority=normal",
      "?key=pk_test&priority=key",
    ]);
    assert.ok(served.requests.every(({ type }) => type.startsWith("text/plain")));
    assert.equal(only(served.events(), "purchase").key_event, true);
  });

  test(`${engine}: text that was typed or masked is never told`, async (t) => {
    const { page, arrived, served } = await visit(t, { engine });
    for (const id of ["#secret", "#typed", "#editor"]) await page.click(id);
    await page.evaluate(() => window.footfall.flush());
    await arrived(4);
    const texts = JSON.stringify(served.requests.map(({ batch }) => batch));
    for (const secret of ["ann@example.org", "typed value", "a draft"]) assert.ok(!texts.includes(secret), secret);
  });

  test(`${engine}: clicks inside a shadow root are told`, async (t) => {
    const { page, arrived } = await visit(t, { engine });
    await page.evaluate(() => {
      document.querySelector("#host").shadowRoot.querySelector("button").click();
      window.footfall.flush();
    });
    const inner = { tag: "button", id: "inner", text: "Inside", selector: "#host>>>#inner" };
    assert.deepEqual(only(await arrived(2), "click").properties, inner);
  });

  test(`${engine}: an element that comes later is viewed once in each view of the page`, async (t) => {
    const { page, arrived } = await visit(t, { engine });
    await page.evaluate(() => {
      const late = document.createElement("p");
      late.dataset.trackView = "late_view";
      late.textContent = "late";
      document.body.prepend(late);
    });
    // Both views.
    await taken(page, 3);
    await page.evaluate(() => {
      // Moved about: the same element in the same view of the page.
      document.body.append(document.querySelector("[data-track-view=late_view]"));
      history.pushState({}, "", "/elsewhere?q=1");
    });
    // The leave, the route and both views again.
    await taken(page, 7);
    await page.evaluate(() => window.footfall.flush());
    const events = await arrived(7);
    assert.deepEqual(names(events).toSorted(), ["late_view", "late_view", "page", "page", "page_leave", "post_view", "post_view"]);
    const route = events.filter((event) => event.type === "page")[1].context.page;
    assert.equal(route.path, "/elsewhere");
    assert.match(route.referrer, /\/page\.html$/);
  });

  test(`${engine}: a refused batch is sent again with the same ids, and in order`, async (t) => {
    const answer = (batch, count) => (count <= 2 ? { status: 503, code: "busy", reason: "wait", retry_after_ms: 1 } : undefined);
    const { page, served, arrived, said } = await visit(t, { engine, answer });
    await page.evaluate(() => window.footfall.flush());
    await arrived(1);
    const [first, second, third] = served.requests.map(({ batch }) => batch);
    assert.equal(first.batch_id, third.batch_id);
    assert.deepEqual(first.events, second.events);
    assert.deepEqual(first.events, third.events);
    assert.ok(said.some((line) => line.includes("the server answered 503: wait")), said.join("\n"));
  });

  test(`${engine}: where the server asks for an event again its batch goes again as it was, and refusals are explained`, async (t) => {
    const answer = ({ events: [first, second] }, count) =>
      count === 1 && {
        code: "partial",
        retry_after_ms: 1,
        events: [
          { index: 0, event_id: first.event_id, status: "retry", code: "busy", reason: "no room" },
          { index: 1, event_id: second.event_id, status: "invalid", code: "bad_name", reason: "use another name" },
        ],
      };
    const { page, served, said, arrived } = await visit(t, { engine, answer, init: { flushInterval: 600_000, debug: true } });
    await call(page, ["track", "a"], ["track", "b"], ["track", "c"], ["flush"]);
    await until("the second batch", () => served.requests.length === 2);
    const [first, second] = served.requests.map(({ batch }) => batch);
    assert.deepEqual([second.batch_id, second.events], [first.batch_id, first.events]);
    // What the server has already is not stored again.
    assert.deepEqual(names(await arrived(3)).toSorted(), ["a", "b", "c"]);
    assert.ok(said.some((line) => /is invalid: use another name/.test(line)), said.join("\n"));
  });

  test(`${engine}: what cannot be sent is explained in debug, and never thrown into the page`, async (t) => {
    const { page, said, errors, acted } = await visit(t, { engine });
    await page.evaluate(() => {
      const { footfall } = window;
      const cycle = {};
      cycle.self = cycle;
      footfall.track("Bad Name");
      footfall.track();
      footfall.track("cycle", cycle);
      footfall.track("big", { number: 10n });
      footfall.track("json", { toJSON: () => { throw new Error("no"); } });
      footfall.track("list", [1]);
      footfall.track("large", { text: "x".repeat(40_000) });
      footfall.identify("u".repeat(300));
      footfall.track("half", { text: "\ud83d" });
      footfall.track("fine");
      footfall.flush();
    });
    assert.deepEqual(names(await acted(3)), ["page", "half", "fine"]);
    for (const words of [/Bad Name was refused/, /cycle was refused.*(circular|cyclic)/, /big was refused.*BigInt/, /json was refused.*no/,
      /properties is an array; it must be an object/, /at most 32768 are allowed/, /user_id has 300 bytes/]) {
      assert.ok(said.some((line) => words.test(line)), `${words} in\n${said.join("\n")}`);
    }
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: a visitor who asks for privacy has no id, nothing is stored, and what was stored is forgotten`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        localStorage["footfall:pk_test:anonymous_id"] = "0190aaaa-bbbb";
        sessionStorage["footfall:pk_test:seq"] = "7";
        Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => true });
      });
    const { page, acted } = await visit(t, { engine, prepare });
    await page.evaluate(() => {
      window.footfall.identify("ann");
      window.footfall.track("like");
      window.footfall.flush();
    });
    const events = await acted(2);
    assert.deepEqual(names(events), ["page", "like"]);
    for (const { context } of events) {
      assert.deepEqual([context.anonymous_id, context.session_id, context.user_id], [undefined, undefined, undefined]);
    }
    assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
  });

  test(`${engine}: ids, session and count go on from what is stored, and what is no id is not believed`, async (t) => {
    const now = Date.now();
    // The session's last activity, its beginning, and its campaign.
    const stored = { anonymous_id: "0190aaaa-bbbb", session: `0190cccc-dddd ${now} ${now} 0` };
    const prepare = (page) =>
      page.evaluateOnNewDocument((stored) => {
        for (const [slot, value] of Object.entries(stored)) localStorage[`footfall:pk_test:${slot}`] ??= value;
        sessionStorage["footfall:pk_test:seq"] ??= "7";
        localStorage["footfall:pk_other:anonymous_id"] = "<script>";
        localStorage["footfall:pk_other:session"] = "0190cccc-dddd";
      }, stored);
    const { page, arrived } = await visit(t, { engine, prepare });
    await page.evaluate(() => window.footfall.flush());
    const [event] = await arrived(1);
    assert.deepEqual([event.context.anonymous_id, event.context.session_id, event.seq], ["0190aaaa-bbbb", "0190cccc-dddd", 7]);
    const other = await page.evaluate(async () => {
      window.footfall.shutdown();
      window.footfall.init({ key: "pk_other" });
      await window.footfall.ready();
      return window.footfall.state();
    });
    assert.match(other.anonymousId, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    assert.match(other.sessionId, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  test(`${engine}: forbidden storage, a throwing fetch and a broken console harm nothing`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        Object.defineProperty(window, "localStorage", { get: () => { throw new Error("forbidden"); } });
        Object.defineProperty(window, "sessionStorage", { get: () => { throw new Error("forbidden"); } });
        const { fetch } = window;
        window.fetch = (url, init) => {
          if (init?.method === "POST") throw new Error("no fetch");
          return fetch(url, init);
        };
        console.warn = () => { throw new Error("no console"); };
      });
    const { page, acted, errors } = await visit(t, { engine, prepare });
    await page.evaluate(() => {
      window.footfall.track("Bad Name");
      window.footfall.track("like");
      window.footfall.flush();
    });
    await page.goto("about:blank");
    // They leave in two beacons, of which either may arrive first.
    const told = names(await acted(3));
    assert.ok(told.includes("page_leave"), told);
    assert.deepEqual(told.filter((name) => name !== "page_leave"), ["page", "like"]);
    await page.goBack();
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: a trap turns the SDK off, takes off its listeners and leaves the page alone`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        // Every function of the module that a listener enters traps once this is set; nothing real traps on demand.
        const { instantiateStreaming } = WebAssembly;
        WebAssembly.instantiateStreaming = async (...args) => {
          const { instance, module } = await instantiateStreaming(...args);
          const exports = {};
          for (const [name, value] of Object.entries(instance.exports)) {
            exports[name] = typeof value !== "function" || name.startsWith("__wbindgen")
              ? value
              : (...args) => {
                  if (window.trap) throw new WebAssembly.RuntimeError("unreachable");
                  return value(...args);
                };
          }
          return { instance: { exports }, module };
        };
      });
    const { page, said, errors } = await visit(t, { engine, prepare });
    await page.evaluate(() => {
      window.clicked = 0;
      document.querySelector("#plain").addEventListener("click", () => window.clicked++);
      window.trap = true;
    });
    await page.click("#plain");
    await until("the word that it is off", () => said.some((line) => /it failed and is off/.test(line)));
    await page.click("#plain");
    const state = await page.evaluate(() => {
      window.footfall.track("like");
      window.footfall.page();
      window.footfall.identify("ann");
      window.footfall.flush();
      return [window.clicked, window.footfall.anonymousId() ?? null];
    });
    assert.deepEqual(state, [2, null]);
    assert.equal(said.filter((line) => /it failed/.test(line)).length, 1);
    assert.deepEqual(await errors(), []);
  });
}
