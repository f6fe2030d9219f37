#!/usr/bin/env bash
# `make bench-guarantees`: what each guarantee (`kafka.guarantee`) costs, with a real Kafka: as many events as the server
# takes, with its processor time for each, and how long an answer takes at a steady pace. It fails when an event that
# was answered with 200 is not in the topic exactly once among what is committed; it judges no speed.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=with-server.sh
. "$(dirname "$0")/with-server.sh"
cd "$ROOT"

seconds=${BENCH_SECONDS:-8}
pace=${BENCH_PACE:-2000}

scripts/setup.sh system kafka
build_measured
told() { node -p 'JSON.parse(require("fs").readFileSync(process.argv[1]))[process.argv[2]]' "$1" "$2"; }
sum() { node -p "$1"; }
ms() { sum "($(told "$1" "$2") / 1000).toFixed(1)"; }
load() {
  "$tools/load" --server "$server" --server-pid "$server_pid" --write-key pk_demo --connections 32 --batch-events 20 \
    --deadline 120 "$@"
}

start_kafka
table=()
for guarantee in at-most-once at-least-once exactly-once; do
  # What is answered before it is stored cannot be looked for in the same moment.
  checked=(--brokers "$brokers")
  if [ "$guarantee" = at-most-once ]; then checked=(--unchecked); fi
  serve "$dir/$guarantee" --kafka-brokers "$brokers" --kafka-compression lz4 --kafka-guarantee "$guarantee" --server-instance bench
  until_healthy
  say "$guarantee: warming up, then as fast as it goes for $seconds s, then $pace events a second for $seconds s"
  load --seconds 3 --unchecked --report "$dir/warm-up.json"
  load --seconds "$seconds" "${checked[@]}" --report "$dir/$guarantee-full.json"
  load --seconds "$seconds" "${checked[@]}" --pace "$pace" --report "$dir/$guarantee-pace.json"
  lost=$(node -e 'fetch(`http://${process.argv[1]}/status`).then((answer) => answer.json()).then((told) => console.log(told.kafka.lost_records))' "$admin")
  stop_server
  full=$dir/$guarantee-full.json steady=$dir/$guarantee-pace.json
  table+=("$(printf '%-15s %9s %11s %9s %9s %9s %9s %6s' "$guarantee" \
    "$(sum "Math.round($(told "$full" acknowledged) / $(told "$full" seconds))")" \
    "$(sum "($(told "$full" cpu_us) / $(told "$full" acknowledged)).toFixed(2)")" \
    "$(ms "$full" latency_p50_us)" "$(ms "$full" latency_p99_us)" \
    "$(ms "$steady" latency_p50_us)" "$(ms "$steady" latency_p99_us)" "$lost")")
done

echo
printf '%-15s %9s %11s %19s %19s %6s\n' "" "" "CPU us" "answered, full load" "answered, $pace/s" ""
printf '%-15s %9s %11s %9s %9s %9s %9s %6s\n' guarantee events/s "an event" "p50 ms" "p99 ms" "p50 ms" "p99 ms" lost
printf '%s\n' "${table[@]}"
echo
echo "$(nproc) cores, shared by the server, Kafka and the load; one broker; batches of 20 events of about 300 bytes over 32"
echo "connections; lz4, linger 5 ms. Processor time is user + system of the server's process."
