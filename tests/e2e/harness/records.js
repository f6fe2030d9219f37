// What must hold for every stored record, whatever the visitor did: stamps, headers, keys, order, privacy.
// Which events are expected is left to the test.
import assert from "node:assert/strict";
import { WRITE_KEY } from "./server.js";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * What only the server could know stands in the payload.
 * @param {object} payload
 * @param {{from: number, until: number, userAgent: string}} visit when it took place, in Unix milliseconds
 */
export function assertServerStamps(payload, visit) {
  assert.equal(payload.schema_version, 1);
  assert.equal(payload.write_key, WRITE_KEY);
  assert.ok(
    payload.received_at >= visit.from && payload.received_at <= visit.until,
    `received_at ${payload.received_at} is outside the visit`,
  );
  assert.deepEqual(payload.client, { address: "127.0.0.0", address_policy: "truncate" });
  assert.equal(payload.user_agent.original, visit.userAgent);
}

/** The headers follow the CloudEvents 1.0 Kafka binding and say the same as the payload. */
export function assertCloudEventsHeaders({ headers, payload }) {
  assert.match(headers.ce_id, UUID_V7);
  assert.equal(headers.ce_id, payload.event_id);
  assert.equal(headers.ce_specversion, "1.0");
  assert.equal(headers.ce_source, `/sites/${WRITE_KEY}`);
  assert.equal(headers.ce_type, ["footfall", payload.type, payload.event].filter(Boolean).join("."));
  assert.equal(Date.parse(headers.ce_time), payload.timestamp);
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers.batch_id, payload.batch_id);
}

/** The key is the user where there is one, else the browser, so that events of one key keep their order. */
export function assertKey({ key, payload }) {
  assert.equal(key, payload.user_id ?? payload.anonymous_id);
}

/** No event is there twice. */
export function assertOnceEach(payloads) {
  const ids = payloads.map((payload) => payload.event_id);
  assert.equal(new Set(ids).size, ids.length, "an event is stored twice");
}

/**
 * The tab's own count has no gap, so nothing that it captured is missing; and within each key (one partition in
 * Kafka, the whole journal) the records stand in the order in which they happened.
 * @param {{key: string, payload: object}[]} records in stored order
 */
export function assertNoGapAndInOrder(records) {
  const counts = records.map(({ payload }) => payload.seq);
  const first = Math.min(...counts);
  const sorted = counts.toSorted((a, b) => a - b);
  assert.deepEqual(sorted, sorted.map((_, place) => first + place), "the tab's count has a gap or a repetition");
  for (const [key, mine] of Object.entries(byKey(records))) {
    const seen = mine.map(({ payload }) => payload.seq);
    assert.deepEqual(seen, seen.toSorted((a, b) => a - b), `the events of ${key} are not in order`);
  }
}

/** What a person typed is in no record, in no spelling that a URL or JSON would give it. */
export function assertNowhere(records, typed) {
  const text = JSON.stringify(records).toLowerCase();
  for (const words of typed) {
    for (const spelling of [words, encodeURIComponent(words), words.replaceAll(" ", "+")]) {
      assert.ok(!text.includes(spelling.toLowerCase()), `what was typed ("${words}") stands in a record`);
    }
  }
}

function byKey(records) {
  const groups = {};
  for (const record of records) (groups[record.key] ??= []).push(record);
  return groups;
}
