// What of the SDK needs no browser to be judged.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { source } from "./support/source.mjs";

before(() => {
  globalThis.location = new URL("https://forum.example/t/1");
  // Its selectors are all right.
  globalThis.document = { documentElement: { matches: () => true } };
});

test("of an address only what campaigns say and the site allows stays in the query", async () => {
  const { scrubbed } = await source("browser/address.ts");
  for (const [address, kept, addresses] of [
    ["https://a.example/p", "https://a.example/p"],
    ["https://a.example/p?q=1", "https://a.example/p"],
    ["https://a.example/p?utm_source=x&sid=1&utm_medium=y#?utm_z=1", "https://a.example/p?utm_source=x&utm_medium=y"],
    ["https://a.example/p?next=/a?utm_source=x", "https://a.example/p"],
    ["https://a.example/#utm_source=x", "https://a.example/"],
    ["", ""],
    ["https://a.example?q=1", "https://a.example"],
    ["https://a.example/p?gclid=Cj0KCQiA3sq6BhD2ARIsAJ8MRwWb&fbclid=IwAR0x1&msclkid=9&li_fat_id=5", "https://a.example/p?gclid=Cj0KCQiA3sq6BhD2ARIsAJ8MRwWb&fbclid=IwAR0x1&msclkid=9&li_fat_id=5"],
    ["https://a.example/p?gclid=1&utm_id=7", "https://a.example/p?utm_id=7", { isPrivate: true }],
    ["https://a.example/p?xgclid=1&gclidx=1&utm=1&UTM_source=1", "https://a.example/p"],
    ["https://a.example/p?utm_content=ann%40example.org&utm_id=7", "https://a.example/p?utm_content=[email]&utm_id=7"],
    ["https://a.example/p?page=2&q=1&pages=3", "https://a.example/p?page=2", { allowQuery: ["page"] }],
    ["https://a.example/p?page=ann@example.org", "https://a.example/p?page=[email]", { allowQuery: ["page"] }],
    ["https://a.example/p?page", "https://a.example/p?page", { allowQuery: ["page"] }],
    ["https://a.example/u/ann@example.org/edit", "https://a.example/u/[email]/edit"],
    ["https://ann:secret@a.example/p", "https://a.example/p"],
    ["https://a.example/@ann/p", "https://a.example/@ann/p"],
    ["https://a.example/reset/9f86d081884c7d659a2feaa0c55ad015", "https://a.example/reset/[token]"],
    ["https://a.example/p#/inbox", "https://a.example/p"],
    ["https://a.example/p#/inbox/7?q=1", "https://a.example/p#/inbox/7", { hashRoutes: true }],
    ["https://a.example/p?q=1#!/inbox#x", "https://a.example/p#!/inbox", { hashRoutes: true }],
    ["https://a.example/p#/u/ann@example.org", "https://a.example/p#/u/[email]", { hashRoutes: true }],
    ["https://a.example/p#access_token=1", "https://a.example/p", { hashRoutes: true }],
  ]) {
    assert.equal(scrubbed(address, addresses), kept);
  }
  assert.equal(scrubbed(`https://a.example/${"x".repeat(5_000)}`).length, 2_000);
});

test("a link tells where it leads and no more", async () => {
  const { target } = await source("browser/address.ts");
  for (const [address, told, addresses] of [
    ["https://forum.example/t/2?x=1#y", "/t/2"],
    ["https://forum.example", "/"],
    ["https://forum.example.evil/t/1?x=1", "https://forum.example.evil/t/1"],
    ["http://b.example/z", "http://b.example/z"],
    ["mailto:ann@b.example", "mailto:"],
    ["tel:+49123", "tel:"],
    ["javascript:alert(1)", "javascript:"],
    ["https://forum.example/u/ann@b.example", "/u/[email]"],
    ["https://forum.example/#/inbox", "/#/inbox", { hashRoutes: true }],
  ]) {
    assert.equal(target(new URL(address), addresses), told);
  }
  assert.equal(target({}), undefined);
});

test("e-mail addresses and secrets are masked, and nothing else", async () => {
  const { masked } = await source("browser/masked.ts");
  for (const [text, told] of [
    ["", ""],
    ["Write to ann@example.org, or call.", "Write to [email], or call."],
    ["<ann.b+c@mail.example.co.uk>", "<[email]>"],
    ["ANN@EXAMPLE.ORG", "[email]"],
    ["jürgen@müller.example", "[email]"],
    ["ann%40example.org", "[email]"],
    ["/u/j%C3%BCrgen%40example.org/x", "/u/[email]/x"],
    ["a@b.example b@c.example", "[email] [email]"],
    ["@ann and ann@home", "@ann and ann@home"],
    ["vue@3.2.1", "vue@3.2.1"],
    ["5 @ 3.50 each", "5 @ 3.50 each"],
    // Long hex, base64, base64url, JWTs.
    ["9f86d081884c7d659a2feaa0c55ad015", "[token]"],
    ["/v/507f1f77bcf86cd799439011", "/v/[token]"],
    ["sk_live_4eC39HqLyjWDarjtT1zdp7dc", "[token]"],
    ["dGhpcy1pcy1hLXNlY3JldC10b2tlbi0xMjM0NTY", "[token]"],
    ["q8Xv2-Jd91kLpZ0aTn4Rw7_Ys3Gb6Ue5Hc", "[token]"],
    ["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N", "[token]"],
    ["eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", "[token]"],
    // Ids and words stay.
    ["0190aaaa-bbbb-7ccc-8ddd-0123456789ab", "0190aaaa-bbbb-7ccc-8ddd-0123456789ab"],
    ["how-to-grow-tomatoes-in-2024-and-after", "how-to-grow-tomatoes-in-2024-and-after"],
    ["The_Lord_of_the_Rings_Part_2_2003_film", "The_Lord_of_the_Rings_Part_2_2003_film"],
    ["iphone14-vs-galaxyS23-vs-pixel8pro-review", "iphone14-vs-galaxyS23-vs-pixel8pro-review"],
    ["a-title-of-medium-length-5f2b8c9d1e3a", "a-title-of-medium-length-5f2b8c9d1e3a"],
    ["Donaudampfschifffahrtsgesellschaft", "Donaudampfschifffahrtsgesellschaft"],
    ["123456789012345678901234567890", "123456789012345678901234567890"],
    ["%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82-%D0%BC%D0%B8%D1%80", "%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82-%D0%BC%D0%B8%D1%80"],
    ["d111111abcdef8.cloudfront.example", "d111111abcdef8.cloudfront.example"],
    ["9f86d081884c7d6", "9f86d081884c7d6"],
  ]) {
    assert.equal(masked(text), told);
  }
  const started = performance.now();
  for (const part of ["a", "a@", "a1", "a.", "%40", "a@a.", "-"]) masked(part.repeat(100_000 / part.length));
  assert.ok(performance.now() - started < 2_000, "a hostile text takes no time worth speaking of");
});

test("a campaign is the same text however its address is written", async () => {
  const { campaign } = await source("browser/address.ts");
  for (const [address, text] of [
    ["https://a.example/p", ""],
    ["https://a.example/p?q=1&utm_source=#utm_source=x", ""],
    ["https://a.example/p?utm_source=x&utm_medium=y", "utm_medium=y&utm_source=x"],
    ["https://a.example/p?utm_medium=y&q=1&utm_source=x", "utm_medium=y&utm_source=x"],
    ["https://a.example/p?utm_source=spring+sale", "utm_source=spring+sale"],
    ["https://a.example/p?utm_source=spring%20sale", "utm_source=spring+sale"],
    ["https://a.example/p?utm_content=ann%40example.org", "utm_content=%5Bemail%5D"],
    ["https://a.example/p?gclid=Cj0KCQiA3sq6BhD2ARIsAJ8MRwWb1", "gclid=Cj0KCQiA3sq6BhD2ARIsAJ8MRwWb1"],
  ]) {
    assert.equal(campaign(address), text);
  }
  for (const id of "gclid gbraid wbraid dclid fbclid msclkid ttclid li_fat_id twclid igshid yclid".split(" ")) {
    assert.equal(campaign(`https://a.example/?${id}=1`), `${id}=1`);
  }
  assert.equal(campaign("https://a.example/?gclid=1&utm_id=7", { isPrivate: true }), "utm_id=7");
  assert.ok(campaign(`https://a.example/?utm_source=${"x".repeat(5_000)}`).length <= 2_000);
});

/** What the second part makes of options, and what it says. */
async function checkedWith(t, options) {
  const { checked } = await source("extras/options.ts");
  const said = t.mock.method(console, "warn", () => {});
  const good = checked(options);
  return { good, said: said.mock.calls.map(({ arguments: words }) => words.join(" ")) };
}

test("options as texts, as attributes have them, are read", async () => {
  const { read } = await source("options.ts");
  const texts = {
    key: "pk_1", endpoint: "https://t.example/", viewShare: "0.8", viewTime: "0", flushInterval: "100", flushCount: "7",
    storageBytes: "20000", sampleRate: "0.25", storage: "cookie", hashRoutes: "", allowQuery: "page, tab", keyEvents: "purchase signup",
    consent: "required", capture: "clicks forms", mask: ".private",
  };
  assert.deepEqual(read(texts), {
    key: "pk_1", endpoint: "https://t.example", viewShare: 0.8, viewTime: 0, flushInterval: 100, flushCount: 7,
    storageBytes: 20_000, sampleRate: 0.25, storage: "cookie", hashRoutes: true, allowQuery: ["page", "tab"], keyEvents: ["purchase", "signup"],
    consent: "pending", mask: ".private",
    // What is named, and nothing else.
    capture: { clicks: true, views: false, pages: false, leave: false, forms: true },
  });
  const given = { key: "pk_1", flushCount: 7, hashRoutes: false, capture: { clicks: false }, consent: { analytics: "pending" } };
  assert.deepEqual(read(given), { ...given, endpoint: "https://forum.example" });
});

test("options that are right are taken as they are", async (t) => {
  const options = {
    key: "pk_1",
    endpoint: "https://t.example",
    flushCount: 500,
    keyEvents: ["purchase"],
    capture: { clicks: false, forms: true },
    consent: { analytics: "pending" },
    categories: { ad_seen: "marketing" },
    storage: "cookie",
    cookieDomain: "example.org",
    privacy: "off",
    sampleRate: 0,
    sample: { like: 0.5 },
    beforeSend: (event) => event,
    debug: true,
  };
  const { good, said } = await checkedWith(t, { ...options, userId: undefined });
  assert.deepEqual(good, options);
  assert.deepEqual(said, []);
});

test("an option that is not understood is named, once, with what would be right", async (t) => {
  const options = {
    key: "pk_1",
    flushInterval: 5,
    flushCount: 1.5,
    storageBytes: 1,
    keyEvents: 5,
    viewShare: 1.5,
    capture: { clicks: 1, scroll: true },
    consent: "maybe",
    categories: [5],
    privacy: true,
    storage: "disk",
    sample: { like: 2 },
    onSent: "log",
    endPoint: "x",
    debug: 1,
  };
  const { good, said } = await checkedWith(t, options);
  assert.deepEqual(good, { key: "pk_1", capture: {} });
  assert.deepEqual(said.map((line) => line.replace(/(there are key),.*,debug$/, "$1, and others")), [
    "[footfall] option flushInterval is left out: it must be a whole number from 100 to 600000",
    "[footfall] option flushCount is left out: it must be a whole number from 1 to 500",
    "[footfall] option storageBytes is left out: it must be a whole number from 10000 to 2000000",
    "[footfall] option keyEvents is left out: it must be an array of names",
    "[footfall] option viewShare is left out: it must be a number from 0 to 1",
    "[footfall] option consent is left out: it must be granted, denied or pending, or an object of categories with these",
    "[footfall] option categories is left out: it must be an object of event names with their categories",
    "[footfall] option privacy is left out: it must be one of anonymous,off,ignore",
    "[footfall] option storage is left out: it must be one of localStorage,cookie,memory",
    "[footfall] option sample is left out: it must be an object of names with numbers from 0 to 1",
    "[footfall] option onSent is left out: it must be a function",
    "[footfall] there is no option endPoint; there are key, and others",
    "[footfall] option debug is left out: it must be true or false",
    "[footfall] option capture.clicks is left out: it must be true or false",
    "[footfall] there is no option capture.scroll; there are clicks,views,pages,leave,forms,media,errors,vitals,copy,print,traces",
  ]);
});

test("the server's settings count where the page says nothing", async () => {
  const { configured } = await source("browser/config.ts");
  const options = { key: "pk_1", endpoint: "", sample: { like: 1 }, capture: { clicks: false } };
  const text = '{"capture":{"clicks":true,"forms":true},"sample_rate":0.5,"sample":{"like":0,"read":0.1},"key_events":["purchase"]}';
  assert.deepEqual(configured(options, text), {
    key: "pk_1", endpoint: "", sampleRate: 0.5, keyEvents: ["purchase"],
    sample: { like: 1, read: 0.1 },
    capture: { clicks: false, forms: true },
  });
  for (const bad of ["", "null", "5", "[]", '"x"', "{", '{"capture":5,"sample":"x"}']) {
    const { sampleRate, keyEvents, capture, sample } = configured(options, bad);
    assert.deepEqual([sampleRate, keyEvents, capture, sample.like], [undefined, undefined, { clicks: false }, 1], bad);
  }
});
