#!/usr/bin/env bash
# `make bench-journal`: what the journal takes and gives. Events a second that are acknowledged with the journal as the
# store, in batches of 20 over 64 connections, beside what the disk itself writes; the same at the bound of retention,
# where as much is deleted as comes in; and how fast the journal goes to a Kafka that is back, beside the rate at which
# it was filled, and how long live batches take meanwhile, and as the broker dies and behind that. It fails when an
# acknowledged event is not in the journal or the topic; it judges no speed.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=with-server.sh
. "$(dirname "$0")/with-server.sh"
cd "$ROOT"

seconds=${BENCH_SECONDS:-10}
# The change to the journal takes at most 3 s; what comes after them is told apart.
change=5
outage=${BENCH_OUTAGE_SECONDS:-20}
fill_rate=${BENCH_FILL_RATE:-2000}

scripts/setup.sh system kafka
build_measured
told() { node -p 'JSON.parse(require("fs").readFileSync(process.argv[1]))[process.argv[2]]' "$1" "$2"; }
sum() { node -p "$1"; }
per_second() { sum "Math.round($(told "$1" acknowledged) / $(told "$1" seconds))"; }
latencies() { sum "($(told "$1" latency_p50_us) / 1000).toFixed(1) + ' ms, p99 ' + ($(told "$1" latency_p99_us) / 1000).toFixed(1) + ' ms'"; }
# `status FIELD.FIELD`: of the running server.
status() {
  node -e 'fetch(`http://${process.argv[1]}/status`).then((answer) => answer.json())
    .then((told) => console.log(process.argv[2].split(".").reduce((value, name) => value[name], told)))' "$admin" "$1"
}
load() {
  "$tools/load" --server "$server" --server-pid "$server_pid" --write-key pk_demo --connections 64 --batch-events 20 \
    --max-events 50000000 "$@"
}

mkdir "$dir/disk"
say "Writing 512 MiB with an fsync after each 8 MiB"
disk=$("$tools/disk-write" "$dir/disk")

# Enough for all that comes, so that each event can be looked up.
serve "$dir/plain" --journal-max-bytes 32GiB --journal-retention-bytes off
load --seconds 3 --unchecked --report "$dir/warm-up.json"
say "64 connections, batches of 20 events, the journal as the store: $seconds s"
load --seconds "$seconds" --data-dir "$dir/plain" --report "$dir/plain.json"
used=$(status journal.used_bytes)
rows=$(status stored_records)
stop_server

serve "$dir/bound" --journal-max-bytes 256MiB --memory-max-bytes 64MiB
say "The same where the journal is full and the oldest events go: first until it is"
until [ "$(status journal.expired_rows)" -gt 0 ]; do load --seconds 2 --unchecked --report "$dir/fill.json"; done
load --seconds "$seconds" --unchecked --report "$dir/bound.json"
expired=$(status journal.expired_rows)
stop_server

start_kafka
serve "$dir/outbox" --kafka-brokers "$brokers" --kafka-compression lz4
until_healthy
load --seconds 2 --pace "$fill_rate" --brokers "$brokers" --report "$dir/before.json"
kill_kafka
say "The broker is killed; $fill_rate events a second go to the journal for $outage s"
load --seconds "$change" --pace "$fill_rate" --unchecked --report "$dir/change.json"
load --seconds "$((outage - change))" --pace "$fill_rate" --unchecked --report "$dir/outage.json"
waiting=$(status kafka.waiting_rows)
start_kafka
# From the first row that goes to the last; meanwhile batches of 20 come as before, a hundred a second.
node -e '
  const [admin, server] = process.argv.slice(1);
  const ask = async () => (await (await fetch(`http://${admin}/status`)).json()).kafka;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const from = (await ask()).drained_records;
  const filler = "x".repeat(200);
  const events = Array.from({ length: 20 }, () => ({ event: "post_view", properties: { filler } }));
  const body = JSON.stringify({ events });
  let now = await ask(), began;
  const waits = [];
  const live = async () => {
    const state = now.state, sent = performance.now();
    const answer = await fetch(`http://${server}/v1/events?key=pk_demo`, { method: "POST", body });
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`a live batch was answered ${answer.status}`);
    if (state === "recovering" && now.state === state) waits.push(performance.now() - sent);
  };
  const over = () => now.state === "healthy" && now.waiting_rows === 0;
  const sending = (async () => {
    const all = [];
    while (!over()) all.push(live(), await pause(10));
    await Promise.all(all);
  })();
  while (!over()) {
    if (!began && now.state !== "away") began = Date.now();
    await pause(20);
    now = await ask();
  }
  const seconds = (Date.now() - began) / 1000;
  await sending;
  waits.sort((a, b) => a - b);
  const percentile = (share) => Math.round(1000 * (waits[Math.ceil(share * waits.length) - 1] ?? NaN));
  console.log(JSON.stringify({
    per_second: Math.round((now.drained_records - from) / seconds), batches: waits.length,
    latency_p50_us: percentile(0.5), latency_p99_us: percentile(0.99),
  }));
' --input-type=module "$admin" "$server" >"$dir/drain.json"
drained=$(told "$dir/drain.json" per_second)
stop_server

limit=$(sum "Math.round(Math.min(100000, 0.3 * $disk / ($used / $rows)))")
echo
echo "disk, sequential with fsync            $(sum "($disk / 1e6).toFixed(0)") MB/s; 30 % of it is $(sum "Math.round(0.3 * $disk / ($used / $rows))") rows/s of $(sum "Math.round($used / $rows)") bytes"
echo "journal as the store                   $(per_second "$dir/plain.json") events/s acknowledged and there; p50 $(latencies "$dir/plain.json"); goal $limit"
echo "the same while the oldest events go    $(per_second "$dir/bound.json") events/s acknowledged; p50 $(latencies "$dir/bound.json"); $expired went, $(told "$dir/bound.json" refused) refused"
echo "journal to a Kafka that is back        $drained events/s of $waiting that waited, $(sum "($drained / $fill_rate).toFixed(1)") times the $fill_rate/s at which it was filled"
echo "  a live batch meanwhile               p50 $(latencies "$dir/drain.json") ($(told "$dir/drain.json" batches) batches)"
echo "a live batch as the broker dies        at most $(sum "($(told "$dir/change.json" latency_max_us) / 1000).toFixed(0)") ms, goal 3000; from $change s on p50 $(latencies "$dir/outage.json"), goal 20; before p50 $(latencies "$dir/before.json")"
echo
echo "$(nproc) cores, shared by the server, Kafka and the load; events of about 300 bytes as they are sent."
