// The main promise: what a person does on the forum stands in the store, once each, in order, stamped.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openTab } from "./harness/browser.js";
import { dumpTopic } from "./harness/kafka.js";
import { nameOf, watch } from "./harness/live.js";
import { artefacts } from "./harness/paths.js";
import {
  assertCloudEventsHeaders, assertKey, assertNoGapAndInOrder, assertNowhere, assertOnceEach, assertServerStamps,
} from "./harness/records.js";
import { TOPIC, readJournal } from "./harness/server.js";
import { withStack } from "./harness/stack.js";
import { Visit, assertExpected, visitForum } from "./harness/visit.js";

const PERSON = { name: "wandering_heron", comment: "My neighbour swears by crushed eggshells", search: "winter" };

test("a_visit_to_the_forum_stands_in_the_kafka_topic_once_each_in_order_and_stamped", () =>
  withStack({ kafka: true }, async (stack) => {
    const visit = await wholeVisit(stack);
    // Accepted events are in the topic by then: an answer comes only when Kafka has them.
    const records = await dumpTopic(stack.brokers, TOPIC);
    assertStored(visit, records);
    for (const record of records) {
      assertCloudEventsHeaders(record);
      assertKey(record);
    }
    assertOnePartitionPerKey(records);
  }));

test("the_same_visit_stands_in_the_journal_where_there_is_no_kafka", () =>
  withStack({}, async (stack) => {
    const visit = await wholeVisit(stack, join(artefacts, "forum.png"));
    const payloads = await readJournal(stack.server);
    // The journal keeps the records in one order; the key of each is the one that Kafka would get.
    assertStored(visit, payloads.map((payload) => ({ key: payload.user_id ?? payload.anonymous_id, payload })));
  }));

/** From the first page to the closed tab; the server is stopped then, so that nothing more can come. */
async function wholeVisit({ browser, forum, server }, screenshot) {
  const live = await watch(server);
  const { page, complaints } = await openTab(browser);
  const from = Date.now();
  const visit = new Visit(page, forum.url, live);
  visit.user = (await visitForum(visit, PERSON)).user;
  visit.userAgent = await page.evaluate(() => navigator.userAgent);
  if (screenshot) {
    mkdirSync(artefacts, { recursive: true });
    await page.screenshot({ path: screenshot });
  }
  await visit.close();
  await browser.close();
  await live.close();
  await server.process.stop();
  Object.assign(visit, { from, until: Date.now() });
  assert.deepEqual(complaints, [], "the page complained");
  return visit;
}

function assertStored(visit, records) {
  const payloads = records.map(({ payload }) => payload);
  assertOnceEach(payloads);
  assertExpected(visit, payloads);
  assertNoGapAndInOrder(records);
  for (const payload of payloads) assertServerStamps(payload, visit);
  assertNowhere(records, visit.typed);
  assertOneVisitor(visit, payloads);
}

/** One browser, one visit; the user from the log-in on, and not before. */
function assertOneVisitor(visit, payloads) {
  for (const id of ["anonymous_id", "session_id"]) {
    assert.equal(new Set(payloads.map((payload) => payload[id])).size, 1, `one ${id} for the visit`);
    assert.ok(payloads[0][id], `${id} is there`);
  }
  // The page on which one logs in is left by nobody yet.
  const login = payloads.find((payload) => nameOf(payload) === "log_in").seq + 1;
  for (const payload of payloads) {
    const user = payload.seq > login ? visit.user : undefined;
    assert.equal(payload.user_id, user, `the user of ${nameOf(payload)}, event ${payload.seq}; the log-in is over with event ${login}`);
  }
}

function assertOnePartitionPerKey(records) {
  for (const key of new Set(records.map((record) => record.key))) {
    const partitions = new Set(records.filter((record) => record.key === key).map((record) => record.partition));
    assert.equal(partitions.size, 1, `the events of ${key} are in one partition`);
  }
}
