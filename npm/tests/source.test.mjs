// What of the SDK needs no browser to be judged.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { source } from "./support/source.mjs";

before(() => {
  globalThis.location = new URL("https://forum.example/t/1");
});

test("of an address only campaign tags stay in the query", async () => {
  const { scrubbed } = await source("browser/address.ts");
  for (const [address, kept] of [
    ["https://a.example/p", "https://a.example/p"],
    ["https://a.example/p?q=1", "https://a.example/p"],
    ["https://a.example/p?utm_source=x&sid=1&utm_medium=y#?utm_z=1", "https://a.example/p?utm_source=x&utm_medium=y"],
    ["https://a.example/p?next=/a?utm_source=x", "https://a.example/p"],
    ["https://a.example/#utm_source=x", "https://a.example/"],
    ["", ""],
  ]) {
    assert.equal(scrubbed(address), kept);
  }
  assert.equal(scrubbed(`https://a.example/${"x".repeat(5_000)}`).length, 2_000);
});

test("a link tells where it leads and no more", async () => {
  const { target } = await source("browser/address.ts");
  for (const [address, told] of [
    ["https://forum.example/t/2?x=1#y", "/t/2"],
    ["https://forum.example", "/"],
    ["https://forum.example.evil/t/1?x=1", "https://forum.example.evil/t/1"],
    ["http://b.example/z", "http://b.example/z"],
    ["mailto:ann@b.example", "mailto:"],
    ["tel:+49123", "tel:"],
    ["javascript:alert(1)", "javascript:"],
  ]) {
    assert.equal(target(address), told);
  }
});

/** What `checked` makes of options, and what it says. */
async function checkedWith(t, options) {
  const { checked } = await source("options.ts");
  const said = t.mock.method(console, "warn", () => {});
  const good = checked(options);
  return { good, said: said.mock.calls.map(({ arguments: words }) => words.join(" ")) };
}

test("options that are right are taken, with every capture decided", async (t) => {
  const options = {
    key: "pk_1",
    endpoint: "https://t.example/",
    flushCount: 500,
    keyEvents: ["purchase"],
    capture: { clicks: false },
    userId: undefined,
  };
  const { good, said } = await checkedWith(t, options);
  assert.deepEqual(good, {
    key: "pk_1",
    endpoint: "https://t.example",
    flushCount: 500,
    keyEvents: ["purchase"],
    capture: { clicks: false, views: true, pages: true },
  });
  assert.deepEqual(said, []);
});

test("without a write key nothing starts, and it is said why", async (t) => {
  for (const options of [undefined, {}, { key: "" }, { key: 5 }]) {
    const { good, said } = await checkedWith(t, options);
    assert.equal(good, undefined);
    assert.match(said.at(-1), /init needs a write key/);
    t.mock.restoreAll();
  }
});

test("an option that is not understood is named, with what would be right", async (t) => {
  const options = {
    key: "pk_1",
    flushInterval: 5,
    flushCount: 1.5,
    keyEvents: "purchase",
    capture: { clicks: 1, scroll: true },
    endPoint: "x",
    debug: "yes",
  };
  const { good, said } = await checkedWith(t, options);
  assert.deepEqual(good, {
    key: "pk_1",
    endpoint: "https://forum.example",
    capture: { clicks: true, views: true, pages: true },
  });
  assert.deepEqual(said, [
    "[footfall] option flushInterval is left out: it must be a whole number from 100 to 600000",
    "[footfall] option flushCount is left out: it must be a whole number from 1 to 500",
    "[footfall] option keyEvents is left out: it must be an array of names",
    "[footfall] there is no option endPoint; there are key,endpoint,userId,flushInterval,flushCount,keyEvents,capture,debug",
    "[footfall] option debug is left out: it must be true or false",
    "[footfall] option capture.clicks is left out: it must be true or false",
    "[footfall] there is no option capture.scroll; there are clicks,views,pages,forms,media,errors,vitals,copy,print,traces",
  ]);
});
