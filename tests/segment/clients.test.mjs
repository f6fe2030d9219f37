// Segment's own clients, as they are on the registries, against a real server: nothing is changed but the host.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Analytics } from "@segment/analytics-node";
import { openTab, startBrowser } from "../e2e/harness/browser.js";
import { readJournal, startServer, WRITE_KEY } from "../e2e/harness/server.js";
import { until } from "../e2e/harness/wait.js";
import { startRelay } from "./relay.mjs";

const run = promisify(execFile);
const here = import.meta.dirname;
const AT = 1795458876500;
const visitor = {
  locale: "de-AT",
  timezone: "Europe/Vienna",
  ip: "203.0.113.9",
  userAgent: "Visitor/1",
  page: { url: "https://shop.example/cart", path: "/cart" },
  campaign: { name: "spring", source: "mail" },
};

let directory, server;
before(async () => {
  directory = mkdtempSync(join(tmpdir(), "footfall-segment-"));
  server = await startServer(directory);
});
after(async () => {
  await server?.process.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** The stored events whose ids begin so, by type. */
async function stored(prefix) {
  const events = (await readJournal(server)).filter(({ event_id: id }) => id.startsWith(`${prefix}-`));
  const byType = Object.fromEntries(events.map((event) => [event.type, event]));
  assert.equal(Object.keys(byType).length, events.length, "each is stored once");
  return byType;
}

/** What each client for servers sends must have come to this. */
async function assertAll(prefix, library) {
  const { track, page, screen, identify, group, alias } = await stored(prefix);
  assert.deepEqual([track.event, track.original_name], ["order_completed", "Order Completed"]);
  assert.deepEqual([track.event_id, track.user_id, track.anonymous_id], [`${prefix}-track`, "u1", "a1"]);
  assert.deepEqual(track.properties, { total: 12.5 });
  assert.ok(Math.abs(track.sent_at - Date.now()) < 60_000);
  assert.deepEqual([track.context.locale, track.context.timezone], ["de-AT", "Europe/Vienna"]);
  assert.deepEqual([track.page.host, track.page.path], ["shop.example", "/cart"]);
  assert.deepEqual(track.context.campaign, { name: "spring", source: "mail" });
  if (library) assert.equal(track.context.sdk.name, library);
  assert.equal(page.properties.name, "Home");
  assert.deepEqual([page.page.host, page.page.path], ["shop.example", "/"]);
  assert.equal(screen.properties.name, "Main");
  assert.deepEqual(identify.traits, { plan: "pro" });
  assert.deepEqual([group.group_id, group.traits], ["g1", { seats: 5 }]);
  assert.deepEqual([alias.user_id, alias.previous_id], ["u1", "a1"]);
  return track;
}

test("the client for Node", async () => {
  const analytics = new Analytics({ writeKey: WRITE_KEY, host: server.url });
  const failed = [];
  analytics.on("error", (error) => failed.push(error));
  const [userId, messageId] = ["u1", (kind) => `node-${kind}`];
  analytics.track({
    userId, anonymousId: "a1", event: "Order Completed", properties: { total: 12.5 }, context: visitor,
    messageId: messageId("track"), timestamp: new Date(AT),
  });
  analytics.page({ userId, name: "Home", properties: { url: "https://shop.example/" }, messageId: messageId("page") });
  analytics.screen({ userId, name: "Main", messageId: messageId("screen") });
  analytics.identify({ userId, traits: { plan: "pro" }, messageId: messageId("identify") });
  analytics.group({ userId, groupId: "g1", traits: { seats: 5 }, messageId: messageId("group") });
  analytics.alias({ userId, previousId: "a1", messageId: messageId("alias") });
  await analytics.closeAndFlush();
  assert.deepEqual(failed, []);
  await assertAll("node", "@segment/analytics-node");
});

test("the client for Node tries again what was refused for now, and hears of what nothing helps", async (t) => {
  for (const status of [503, 429]) {
    const relay = await startRelay(server.url, { answers: [{ status, headers: { "retry-after": "1" } }] });
    t.after(relay.close);
    const patient = new Analytics({ writeKey: WRITE_KEY, host: relay.url });
    patient.track({ userId: "u1", event: "Again", messageId: `again${status}-1` });
    await patient.closeAndFlush();
    assert.deepEqual(relay.seen, [status, 200]);
    assert.ok(relay.times[1] - relay.times[0] >= 1000, `${status}: it waits as it is told`);
    assert.equal((await stored(`again${status}`)).track.event, "again");
  }

  for (const [writeKey, event] of [["pk_other", "Order Completed"], [WRITE_KEY, "Käufe"]]) {
    const refused = new Analytics({ writeKey, host: server.url });
    const told = new Promise((resolve) => refused.once("error", resolve));
    refused.track({ userId: "u1", event });
    assert.equal((await told).code, "delivery_failure");
    await refused.closeAndFlush();
  }
});

/** Sends one of each call by a client for servers, to `url`; their ids begin with `prefix`. */
const send = {
  python: async (url, prefix) => {
    const python = process.env.SEGMENT_PYTHON;
    assert.ok(python, "SEGMENT_PYTHON names no Python: run this by scripts/segment-clients.sh");
    await run(python, [join(here, "send.py"), url, WRITE_KEY, prefix]);
  },
  go: async (url, prefix) => {
    await run("go", ["run", "-mod=readonly", ".", url, WRITE_KEY, prefix], { cwd: join(here, "go") });
  },
};

test("the client for Python", async () => {
  await send.python(server.url, "python");
  const track = await assertAll("python", "analytics-python");
  assert.equal(track.timestamp, AT);
});

test("the client for Go", async () => {
  await send.go(server.url, "go");
  const track = await assertAll("go");
  assert.equal(track.timestamp, AT);
  assert.match(track.batch_id, /^[0-9a-f-]{36}$/, "the batch's id tells copies");
});

// Go's client waits by a pace of its own, and knows no Retry-After.
for (const [client, library, obeys] of [["python", "analytics-python", true], ["go", undefined, false]]) {
  for (const [what, answer] of [
    ["503", { status: 503 }],
    ["503 though it was stored", { status: 503, passesOn: true }],
    ["503 with Retry-After", { status: 503, headers: { "retry-after": "1" } }],
    ["429 with Retry-After", { status: 429, headers: { "retry-after": "1" } }],
  ]) {
    test(`the client for ${client} tries again after ${what}, and each event arrives once`, async (t) => {
      const relay = await startRelay(server.url, { answers: [answer] });
      t.after(relay.close);
      const prefix = `${client}${what.replaceAll(/[^0-9a-z]/gi, "")}`;
      await send[client](relay.url, prefix);
      const [first, ...others] = relay.seen;
      assert.equal(first, answer.passesOn ? 200 : answer.status);
      assert.ok(others.length > 0 && others.every((status) => status === 200), `${relay.seen}`);
      await assertAll(prefix, library);
      const waited = relay.times[1] - relay.times[0];
      if (obeys && answer.headers) assert.ok(waited >= 1000, `it came again after ${waited} ms`);
    });
  }
}

/** A page that loads the browser's client and knows one address: that of the server. */
async function openPage(browser) {
  const umd = join(here, "node_modules/@segment/analytics-next/dist/umd");
  const files = createServer(async ({ url }, response) => {
    if (url === "/") return response.setHeader("content-type", "text/html").end('<script src="/index.js"></script>');
    const file = await readFile(join(umd, url.slice(1).replaceAll("..", ""))).catch(() => undefined);
    response.writeHead(file ? 200 : 404, { "content-type": "text/javascript" }).end(file);
  });
  files.listen(0, "127.0.0.1");
  await once(files, "listening");
  const { page, complaints } = await openTab(browser);
  await page.goto(`http://127.0.0.1:${files.address().port}/`);
  return { page, complaints, files };
}

for (const strategy of ["standard", "batching"]) {
  test(`the client for browsers, its ${strategy} way`, async (t) => {
    const browser = await startBrowser();
    t.after(() => browser.close());
    const { page, complaints, files } = await openPage(browser);
    t.after(() => files.close());
    const prefix = `browser${strategy}`;
    await page.evaluate(async ([writeKey, cdnURL, strategy, prefix]) => {
      const integrations = { "Segment.io": { deliveryStrategy: { strategy, config: { size: 5, timeout: 200 } } } };
      const analytics = window.AnalyticsNext.AnalyticsBrowser.load({ writeKey, cdnURL }, { integrations });
      const id = (kind) => ({ messageId: `${prefix}-${kind}` });
      await analytics.setAnonymousId("a1");
      await analytics.identify("u1", { plan: "pro" }, id("identify"));
      await analytics.page("Docs", "Home", {}, id("page"));
      await analytics.track("Order Completed", { total: 12.5 }, id("track"));
      await analytics.group("g1", { seats: 5 }, id("group"));
      // This client writes the user whom it knows over the one that an alias names.
      await analytics.alias("u1", "u0", id("alias"));
    }, [WRITE_KEY, server.url, strategy, prefix]);
    const events = await until("all five are stored", 20_000, async () => {
      const found = await stored(prefix);
      return Object.keys(found).length === 5 && found;
    });
    const { track, page: view, identify, group, alias } = events;
    assert.deepEqual([track.event, track.original_name], ["order_completed", "Order Completed"]);
    assert.deepEqual([track.user_id, track.anonymous_id, track.properties.total], ["u1", "a1", 12.5]);
    const { host, pathname } = new URL(page.url());
    assert.deepEqual([track.page.host, track.page.path], [host, pathname]);
    assert.equal(track.context.sdk.name, "analytics.js");
    assert.deepEqual([view.properties.name, view.properties.category], ["Home", "Docs"]);
    assert.equal(identify.traits.plan, "pro");
    assert.equal(group.group_id, "g1");
    assert.deepEqual([alias.user_id, alias.previous_id], ["u1", "u0"]);
    assert.deepEqual(complaints.filter((complaint) => !complaint.includes("favicon")), []);
  });
}
