// The page's own hooks: what they change, drop and hear, and that nothing they do harms the tracker.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "./support/site.mjs";
import { call, closeBrowsers, engines, names, visit } from "./support/visit.mjs";

after(closeBrowsers);

for (const engine of engines) {
  test(`${engine}: beforeSend sees each event, and changes it`, async (t) => {
    const init = () => ({
      capture: { pages: true, clicks: true, leave: false },
      beforeSend(event) {
        (window.seen ??= []).push(event.type);
        event.event &&= `my_${event.event}`;
        if (event.properties) event.properties.added = true;
        if (event.traits) delete event.traits.email;
        if (event.type === "group") event.group_id = "other";
        return event;
      },
    });
    const { page, arrived } = await visit(t, { engine, init });
    await page.click("#like");
    await call(page, ["track", "read", { words: 2 }], ["identify", "ann", { email: "ann@example.org", plan: "free" }],
      ["group", "staff"], ["alias", "bob"]);
    const events = await arrived(6);
    assert.deepEqual(names(events), ["page", "my_like", "my_read", "identify", "group", "alias"]);
    assert.deepEqual(events[2].properties, { words: 2, added: true });
    assert.deepEqual(events[3].traits, { plan: "free" });
    assert.equal(events[4].group_id, "other");
    assert.deepEqual(await page.evaluate(() => window.seen), ["page", "track", "track", "identify", "group", "alias"]);
  });

  test(`${engine}: what beforeSend drops, or throws at, is not sent; onDropped and debug hear why`, async (t) => {
    const init = () => ({
      debug: true,
      beforeSend(event) {
        if (event.event === "dropped") return null;
        if (event.event === "denied") return false;
        if (event.event === "forgotten") return undefined;
        if (event.event === "thrown") throw new Error("mine");
        return event;
      },
      onDropped: (event, reason) => (window.dropped ??= []).push([event.event, reason]),
    });
    const { page, arrived, said, errors } = await visit(t, { engine, init });
    await call(page, ...["dropped", "denied", "forgotten", "thrown", "fine"].map((name) => ["track", name]));
    assert.deepEqual(names(await arrived(1)), ["fine"]);
    assert.deepEqual(await page.evaluate(() => window.dropped), [
      ["dropped", "beforeSend dropped it"],
      ["denied", "beforeSend dropped it"],
      ["forgotten", "beforeSend dropped it"],
      ["thrown", "beforeSend threw: Error: mine"],
    ]);
    assert.ok(said.some((line) => /thrown was refused: beforeSend threw: Error: mine/.test(line)), said.join("\n"));
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: whatever beforeSend returns, only that event suffers`, async (t) => {
    const init = () => ({
      debug: true,
      beforeSend(event) {
        const cycle = {};
        cycle.self = cycle;
        const returned = {
          cycle: { ...event, properties: cycle },
          big: { ...event, properties: { number: 10n } },
          json: { ...event, properties: { toJSON() { throw new Error("no"); } } },
          getter: { ...event, get properties() { throw new Error("no"); } },
          listed: { ...event, properties: [1] },
          worded: { ...event, properties: "words" },
          renamed: { ...event, event: "Bad Name" },
          nameless: { properties: {} },
          list: [],
          number: 5,
        };
        return returned[event.event] ?? event;
      },
    });
    const { page, arrived, said, errors } = await visit(t, { engine, init });
    const odd = ["cycle", "big", "json", "getter", "listed", "worded", "renamed", "nameless", "list", "number"];
    for (const name of odd) await call(page, ["track", name]);
    await call(page, ["track", "fine"]);
    assert.deepEqual(names(await arrived(1)), ["fine"]);
    assert.deepEqual(said.filter((line) => /it failed/.test(line)), []);
    assert.equal(said.filter((line) => /was refused/.test(line)).length, odd.length, said.join("\n"));
    assert.deepEqual(await errors(), []);
  });

  test(`${engine}: onSent hears what the server took, onDropped what it refused and what breaks a rule`, async (t) => {
    const answer = (batch) => {
      const at = batch.events.findIndex(({ event }) => event === "refused");
      return at >= 0 && { events: [{ index: at, event_id: batch.events[at].event_id, status: "invalid", reason: "not here" }] };
    };
    const init = () => ({
      onSent: (event, status) => (window.told ??= []).push(["sent", event.event, event.properties?.words, status]),
      onDropped: (event, reason) => (window.told ??= []).push(["dropped", event.event, reason]),
    });
    const { page, arrived } = await visit(t, { engine, init, answer });
    await call(page, ["track", "Bad Name"], ["track", "read", { words: 2 }], ["track", "refused"]);
    await arrived(1);
    await until("what is told", () => page.evaluate(() => window.told?.length === 3));
    const [bad, read, refused] = await page.evaluate(() => window.told);
    assert.equal(bad[1], "Bad Name");
    assert.match(bad[2], /event name "Bad Name" is not allowed/);
    assert.deepEqual(read, ["sent", "read", 2, "accepted"]);
    assert.deepEqual(refused, ["dropped", "refused", "not here"]);
  });

  test(`${engine}: hooks that throw, or make calls of their own, harm nothing`, async (t) => {
    const init = () => ({
      debug: true,
      beforeSend(event) {
        if (event.event === "read") window.footfall.track("from_hook");
        return event;
      },
      onSent(event) {
        if (event.event === "read") window.footfall.track("from_answer");
        throw new Error("sent");
      },
      onDropped(event) {
        if (event.event === "Bad Name") window.footfall.track("from_refusal");
        throw new Error("dropped");
      },
    });
    const { page, arrived, said, errors } = await visit(t, { engine, init });
    await call(page, ["track", "Bad Name"], ["track", "read"]);
    assert.deepEqual(names(await arrived(4)).toSorted(), ["from_answer", "from_hook", "from_refusal", "read"]);
    assert.ok(said.some((line) => /a hook of the page threw: Error: dropped/.test(line)), said.join("\n"));
    assert.deepEqual(await errors(), []);
  });
}
