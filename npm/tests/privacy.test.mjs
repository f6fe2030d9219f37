// Visitors whose browser asks for privacy: no id, nothing stored, or nothing sent at all, as the site says.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { call, closeBrowsers, engines, kept, names, NOTHING_KEPT, visit } from "./support/visit.mjs";

after(closeBrowsers);

const SIGNALS = { globalPrivacyControl: true, doNotTrack: "1" };

/** The browser gives that signal. */
const signals = (name) => (page) =>
  page.evaluateOnNewDocument(
    (name, value) => Object.defineProperty(Navigator.prototype, name, { get: () => value, configurable: true }),
    name,
    SIGNALS[name],
  );

for (const engine of engines) {
  for (const signal of Object.keys(SIGNALS)) {
    test(`${engine}: ${signal} means no ids and nothing stored`, async (t) => {
      const init = { debug: true, capture: { pages: true, leave: true }, userId: "ann", flushInterval: 600_000 };
      const { page, go, arrived, said, errors } = await visit(t, { engine, init, prepare: signals(signal) });
      await call(page, ["identify", "ann"], ["group", "staff"], ["alias", "ann"], ["track", "like"]);
      await go();
      const events = await arrived(3);
      assert.deepEqual(names(events).slice(0, 3), ["page", "like", "page_leave"]);
      for (const { context } of events) {
        const { anonymous_id, session_id, user_id, group_id } = context;
        assert.deepEqual([anonymous_id, session_id, user_id, group_id], [undefined, undefined, undefined, undefined]);
      }
      assert.deepEqual(await kept(page), NOTHING_KEPT);
      assert.ok(said.some((line) => /ann was refused: .*asks for privacy/.test(line)), said.join("\n"));
      assert.equal(await page.evaluate(() => window.footfall.anonymousId() ?? null), null);
      assert.deepEqual(await errors(), []);
    });

    test(`${engine}: ${signal} turns it off where the site says so, and is not heard where the site says that`, async (t) => {
      const off = await visit(t, { engine, init: { privacy: "off", debug: true }, wait: false, prepare: signals(signal) });
      assert.equal(await off.ready(), false);
      await call(off.page, ["track", "denied"], ["flush"]);
      await off.go();
      assert.equal(await off.ready(), false);
      assert.deepEqual(await kept(off.page), NOTHING_KEPT);
      assert.deepEqual([off.served.requests.length, off.served.configs.length], [0, 0]);
      assert.ok(off.said.some((line) => /off: the visitor asks for privacy/.test(line)), off.said.join("\n"));

      const ignoring = await visit(t, { engine, init: { privacy: "ignore" }, prepare: signals(signal) });
      await call(ignoring.page, ["identify", "ann"]);
      const [{ context }] = await ignoring.arrived(1);
      assert.ok(context.anonymous_id && context.session_id && context.user_id === "ann");
    });
  }

  test(`${engine}: a visitor who asks for privacy and has opted out is told nothing of`, async (t) => {
    const init = { capture: { pages: true, leave: false } };
    const { page, served, go, arrived } = await visit(t, { engine, init, prepare: signals("globalPrivacyControl") });
    await arrived(1);
    await call(page, ["optOut"], ["track", "denied"]);
    const sent = served.requests.length;
    await go();
    await call(page, ["track", "denied"], ["flush"]);
    await go();
    assert.equal(served.requests.length, sent, "on later pages too");
  });

  // Pages of `http:` have none.
  test(`${engine}: nothing is stored for want of locks`, async (t) => {
    const prepare = (page) => page.evaluateOnNewDocument(() => Object.defineProperty(Navigator.prototype, "locks", { value: undefined }));
    const memory = await visit(t, { engine, init: { storage: "memory" }, prepare });
    await call(memory.page, ["track", "like"]);
    await memory.arrived(1);
    assert.deepEqual(await kept(memory.page), NOTHING_KEPT);

    const { page, arrived } = await visit(t, {
      engine,
      init: {},
      prepare: async (page) => {
        await prepare(page);
        await signals("globalPrivacyControl")(page);
      },
    });
    await call(page, ["track", "like"]);
    await arrived(1);
    assert.deepEqual(await kept(page), NOTHING_KEPT);

    const { page: other, arrived: told } = await visit(t, { engine, init: {}, prepare });
    await call(other, ["track", "like"]);
    await told(1);
    await call(other, ["optOut"]);
    assert.deepEqual(Object.keys((await kept(other)).local), ["footfall:pk_test:consent"], "nothing is left after optOut");
  });
}
