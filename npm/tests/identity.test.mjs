// Who the visitor is: ids that tabs and pages share, users and groups, sessions, where ids are kept, and sampling.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "./support/site.mjs";
import { call, closeBrowsers, engines, kept, names, NOTHING_KEPT, only, visit } from "./support/visit.mjs";

after(closeBrowsers);

const ids = ({ context: { anonymous_id, session_id } }) => [anonymous_id, session_id];

for (const engine of engines) {
  test(`${engine}: tabs share visitor and session, each counts its own events`, async (t) => {
    const { page, newPage, go, arrived } = await visit(t, { engine, init: {} });
    await call(page, ["track", "one"]);
    await arrived(1);
    const other = await newPage();
    await go("/own.html", other);
    await call(other, ["track", "two"]);
    await call(page, ["track", "three"]);
    const events = await arrived(3);
    assert.equal(new Set(events.map((event) => String(ids(event)))).size, 1);
    assert.deepEqual([only(events, "one").seq, only(events, "two").seq, only(events, "three").seq], [0, 0, 1]);
  });

  test(`${engine}: user and group are known on the next page and in other tabs, until reset`, async (t) => {
    const { page, newPage, go, arrived } = await visit(t, { engine, init: {} });
    const other = await newPage();
    await go("/own.html", other);
    await call(page, ["identify", "ann", { plan: "free" }], ["group", "staff", { size: 3 }]);
    const [identify, group] = await arrived(2);
    assert.deepEqual([identify.type, identify.user_id ?? identify.context.user_id, identify.traits], ["identify", "ann", { plan: "free" }]);
    assert.deepEqual([group.type, group.group_id ?? group.context.group_id, group.traits], ["group", "staff", { size: 3 }]);
    await go("/own.html?next");
    await call(page, ["identify", "ann"], ["track", "known"]);
    await call(other, ["track", "known_too"]);
    const known = (await arrived(4)).slice(2);
    assert.deepEqual(names(known).toSorted(), ["known", "known_too"], "to be identified as before is no event");
    for (const { context } of known) assert.deepEqual([context.user_id, context.group_id], ["ann", "staff"]);

    await call(page, ["reset"], ["track", "somebody"]);
    const somebody = only(await arrived(5), "somebody");
    assert.notEqual(ids(somebody)[0], ids(identify)[0]);
    assert.notEqual(ids(somebody)[1], ids(identify)[1]);
    assert.deepEqual([somebody.context.user_id, somebody.context.group_id], [undefined, undefined]);
    await call(other, ["track", "somebody_too"]);
    const too = only(await arrived(6), "somebody_too");
    assert.deepEqual(ids(too), ids(somebody));
    assert.deepEqual([too.context.user_id, too.context.group_id], [undefined, undefined]);
  });

  test(`${engine}: an alias names who it was before: the browser, the user, or whom the site says`, async (t) => {
    const { page, arrived } = await visit(t, { engine, init: {} });
    await call(page, ["alias", "ann"], ["alias", "anna"], ["alias", "bob", "robert"]);
    const events = await arrived(3);
    assert.deepEqual(events.map(({ type, user_id, context }) => [type, user_id ?? context.user_id]), [["alias", "ann"], ["alias", "anna"], ["alias", "bob"]]);
    assert.deepEqual(events.map(({ previous_id }) => previous_id), [events[0].context.anonymous_id, "ann", "robert"]);
  });

  test(`${engine}: properties that are set belong to all later events of the page, an event's own come first`, async (t) => {
    const { page, arrived } = await visit(t, { engine, init: { capture: { clicks: true, pages: false, leave: false } } });
    await call(page, ["track", "before"], ["set", { theme: "dark", page: 1 }], ["set", { page: 2 }], ["track", "plain"], ["track", "own", { page: 3 }]);
    await page.click("#like");
    await call(page, ["identify", "ann", { plan: "free" }], ["reset"], ["track", "after"]);
    const events = await arrived(6);
    assert.deepEqual(names(events), ["before", "plain", "own", "like", "identify", "after"]);
    const [before, plain, own, like, identify, last] = events;
    assert.deepEqual([before.properties, plain.properties, own.properties], [undefined, { theme: "dark", page: 2 }, { theme: "dark", page: 3 }]);
    assert.deepEqual([like.properties.theme, like.properties.id], ["dark", "like"]);
    assert.deepEqual([identify.traits, last.properties], [{ plan: "free" }, undefined]);
  });

  test(`${engine}: a timed event has its duration; one that was not started is explained`, async (t) => {
    const { page, arrived, said } = await visit(t, { engine, init: { debug: true } });
    await call(page, ["startTimer", "watch"]);
    const startedBy = await page.evaluate(() => Date.now());
    await until("some time", () => page.evaluate((then) => Date.now() >= then + 300, startedBy));
    await call(page, ["stopTimer", "watch", { id: 7 }], ["stopTimer", "watch"], ["stopTimer", "never"], ["track", "end"]);
    const events = await arrived(2);
    assert.deepEqual(names(events), ["watch", "end"]);
    const { duration_ms, id } = events[0].properties;
    assert.equal(id, 7);
    assert.ok(Number.isInteger(duration_ms) && duration_ms >= 300 && duration_ms < 10_000, String(duration_ms));
    assert.ok(said.some((line) => /never was not started/.test(line)), said.join("\n"));
  });

  test(`${engine}: a user that the page names is known from the first event on, without one of its own`, async (t) => {
    const { page, arrived } = await visit(t, { engine, init: { userId: "ann", capture: { pages: true, leave: false } } });
    await call(page, ["identify", "ann"], ["track", "like"]);
    const events = await arrived(2);
    assert.deepEqual(names(events), ["page", "like"]);
    assert.ok(events.every(({ context }) => context.user_id === "ann"));
  });

  test(`${engine}: another campaign begins a session of the same visitor`, async (t) => {
    const { page, go, arrived } = await visit(t, { engine, init: {}, path: "/own.html?utm_source=mail" });
    const pages = ["/own.html", "/own.html?utm_source=mail", "/own.html?utm_source=news"];
    await call(page, ["track", "like"]);
    await arrived(1);
    for (const [count, path] of pages.entries()) {
      await go(path);
      await call(page, ["track", "like"]);
      await arrived(count + 2);
    }
    const events = await arrived(4);
    assert.equal(new Set(events.map((event) => ids(event)[0])).size, 1);
    const sessions = events.map((event) => ids(event)[1]);
    assert.deepEqual([sessions[1], sessions[2]], [sessions[0], sessions[0]]);
    assert.notEqual(sessions[3], sessions[0]);
  });

  test(`${engine}: ids may be in a cookie, for all of a domain; then they are nowhere else`, async (t) => {
    const prepare = (page) =>
      page.evaluateOnNewDocument(() => {
        const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
        window.written = [];
        Object.defineProperty(Document.prototype, "cookie", { get, set(text) { window.written.push(text); set.call(this, text); } });
      });
    const { page, go, arrived } = await visit(t, { engine, init: { storage: "cookie" }, prepare });
    await call(page, ["track", "like"]);
    const [event] = await arrived(1);
    const { local, cookie } = await kept(page);
    const [anonymousId, sessionId] = ids(event);
    assert.ok(cookie.includes(`footfall_pk_test_anonymous_id=${anonymousId}`), cookie);
    assert.ok(cookie.includes(`footfall_pk_test_session=${sessionId}`), cookie);
    assert.deepEqual(Object.keys(local).filter((name) => /anonymous_id|session/.test(name)), []);
    const written = await page.evaluate(() => window.written);
    for (const text of written) assert.match(text, /;max-age=34560000;path=\/;samesite=lax(;secure)?$/);
    await go("/own.html?next");
    await call(page, ["track", "next"]);
    assert.deepEqual(ids((await arrived(2))[1]), ids(event));
    await call(page, ["optOut"]);
    assert.equal((await kept(page)).cookie, "");

    const shared = await visit(t, { engine, init: { storage: "cookie", cookieDomain: "example.org" }, prepare });
    await call(shared.page, ["track", "like"]);
    await shared.arrived(1);
    const texts = await shared.page.evaluate(() => window.written);
    assert.ok(texts.length && texts.every((text) => text.includes(";domain=example.org")), String(texts));
  });

  test(`${engine}: in memory alone, nothing is stored, and the next page is another visitor`, async (t) => {
    const { page, go, arrived } = await visit(t, { engine, init: { storage: "memory" } });
    await call(page, ["identify", "ann"], ["track", "like"]);
    const [first] = await arrived(2);
    assert.ok(first.context.anonymous_id);
    assert.deepEqual(await kept(page), NOTHING_KEPT);
    await go("/own.html?next");
    await call(page, ["track", "next"]);
    const next = only(await arrived(3), "next");
    assert.notEqual(ids(next)[0], ids(first)[0]);
    assert.deepEqual(await kept(page), NOTHING_KEPT);
  });

  test(`${engine}: a session is in the sample or not, with all its events; an event may have its own share`, async (t) => {
    // Where these two fall is told by their hashes: 0.375 and 0.681.
    for (const [session, isIn] of [["0190cccc-eeee", true], ["0190cccc-ffff", false]]) {
      const prepare = (page) =>
        page.evaluateOnNewDocument((session) => {
          localStorage["footfall:pk_test:session"] ??= `${session} ${Date.now()} ${Date.now()} 0`;
        }, session);
      const init = { sampleRate: 0.5, sample: { never: 0, always: 1, seldom: 0.4 } };
      const { page, go, arrived } = await visit(t, { engine, init, prepare });
      const calls = ["some", "never", "seldom", "always"].map((name) => ["track", name]);
      const told = isIn ? ["some", "seldom", "always"] : ["always"];
      await call(page, ...calls);
      const events = await arrived(told.length);
      assert.deepEqual(names(events), told);
      assert.deepEqual(events.map(({ context }) => context.sample_rate), isIn ? [0.5, 0.4, undefined] : [undefined]);
      assert.ok(events.every(({ context }) => context.session_id === session));
      await go("/own.html?next");
      await call(page, ...calls);
      assert.deepEqual(names(await arrived(2 * told.length)), [...told, ...told]);
    }
  });

  test(`${engine}: a share of nothing sends nothing`, async (t) => {
    const init = { sampleRate: 0, capture: { pages: true, leave: true, clicks: true } };
    const { page, served, go } = await visit(t, { engine, init });
    await page.click("#like");
    await call(page, ["track", "like"], ["identify", "ann"], ["flush"]);
    await go("/own.html?next");
    assert.equal(served.requests.length, 0);
  });
}
