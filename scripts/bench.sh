#!/usr/bin/env bash
# `make bench`: what an acknowledged event costs the server, beside a bare librdkafka producer with the same records in the
# same seconds, against a real Kafka, in batches of several sizes; what it adds to the broker's answer at half the load;
# and what it holds of memory under more than it can bear. `--short` measures the cost in batches of 20 events alone,
# `--latency` what it adds, `--overload` the memory. It judges no speed; it fails when an acknowledged event is not in the
# topic, or when memory passes its bounds. `--profile` says instead where the server's time goes, by perf.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=with-server.sh
. "$(dirname "$0")/with-server.sh"
cd "$ROOT"

rounds=${BENCH_ROUNDS:-5}
seconds=${BENCH_SECONDS:-6}
connections=${BENCH_CONNECTIONS:-32}
topic=footfall.events

scripts/setup.sh system kafka geo
build_measured

start_kafka
"$tools/topic-create" --brokers "$brokers" --deadline 90 bench.bare

# Limited as in earnest, at rates that the load does not reach.
address_rate=10000000
limits=(--limits-private-addresses limit --limits-key-events-per-second 10000000)
# `begin_serving further settings…`
begin_serving() {
  serve "$dir/server" --proxies-trusted 127.0.0.1 --geo-files "$CACHE/geo/geo-whois-asn-country.mmdb" "${limits[@]}" \
    --kafka-brokers "$brokers" --kafka-topic "$topic" --kafka-compression lz4 "$@"
}
say "Starting the server"
begin_serving

# `load NAME SECONDS further arguments…`: the server for so many seconds.
load() {
  local name=$1 seconds=$2
  shift 2
  "$tools/load" --server "$server" --server-pid "$server_pid" --write-key pk_demo --brokers "$brokers" \
    --topic "$topic" --seconds "$seconds" --report "$dir/$name-server.json" "$@"
}

# `begin_bare NAME further arguments…`: the bare producer, with the records that the warming up has left, in the seconds
# that follow; `end_bare` waits for it. The processors of a shared machine are half as fast in one minute as in the next, and
# what else wants them changes, too: only what runs in the same seconds can be held against each other.
begin_bare() {
  local name=$1
  shift
  exec 3< <("$tools/bare-producer" --brokers "$brokers" --source "$topic" --round "$dir/warm-up-server.json" \
    --target bench.bare --compression lz4 --report "$dir/$name-bare.json" "$@" && echo sent)
  read -r _ <&3 || die "the bare producer could not begin"
}

end_bare() {
  local bare=
  read -r bare <&3 || true
  [ "$bare" = sent ] || die "the bare producer failed beside the load"
}

# One round of both.
round() {
  local name=$1 seconds=$2
  begin_bare "$name" --seconds "$seconds"
  load "$@"
  end_bare
}

say "Warming up, and the server by itself: what it bears"
load warm-up "$seconds" --connections "$connections" --batch-events 20

if [ "${1:-}" = --profile ]; then
  have perf || die "perf is missing (Debian: linux-perf)"
  say "Looking where the time goes, for $seconds s"
  perf record --quiet --freq 997 --pid "$server_pid" --output "$dir/perf.data" -- sleep "$seconds" &
  load profiled $((seconds + 2)) --connections "$connections" --batch-events 20
  wait $!
  perf report --input "$dir/perf.data" --stdio --no-children --sort comm 2>/dev/null | grep -v '^#' | head -n 12
  perf report --input "$dir/perf.data" --stdio --no-children --sort symbol --percent-limit 0.4 2>/dev/null |
    grep -v '^#' | sed 's/ *- *- *$//'
  exit
fi

# `rounds_of COUNT WHAT arguments of load…`: so many rounds and their table.
rounds_of() {
  local count=$1 what=$2 server_rounds=() bare_rounds=()
  shift 2
  for ((i = 1; i <= count; i++)); do
    say "$what: round $i of $count ($seconds s of load and the bare producer beside it, then the look into the topic)"
    round "$i" "$seconds" "$@"
    server_rounds+=("$dir/$i-server.json")
    bare_rounds+=("$dir/$i-bare.json")
  done
  echo
  echo "$what"
  "$tools/bench-table" --server "${server_rounds[@]}" --bare "${bare_rounds[@]}"
}

# shellcheck disable=SC2016 # process.argv is node's, not the shell's
metrics() { node -e 'fetch(process.argv[1]).then((answer) => answer.text()).then(console.log)' "http://$admin/metrics"; }

# What `load` wrote of a round: `told FILE FIELD`.
told() { node -p 'JSON.parse(require("fs").readFileSync(process.argv[1]))[process.argv[2]]' "$1" "$2"; }

if [ "${1:-}" != --overload ]; then
  if [ "${1:-}" = --latency ]; then rounds=1; fi
  rounds_of "$rounds" "Batches of 20 events, $connections connections" --connections "$connections" --batch-events 20
fi
if [ -z "${1:-}" ]; then
  rounds_of "$rounds" "Batches of 100 events" --connections "$connections" --batch-events 100
  rounds_of "$rounds" "Batches of 20 events, packed with gzip" --connections "$connections" --batch-events 20 --gzip
  rounds_of "$rounds" "Batches of 20 events, 1,000 connections" --connections 1000 --batch-events 20
  rounds_of 1 "Batches of 1 event (no goal)" --connections "$connections" --batch-events 1
fi

if [ -z "${1:-}" ] || [ "$1" = --latency ]; then
  half=$(node -p "Math.round($(told "$dir/warm-up-server.json" acknowledged) / $(told "$dir/warm-up-server.json" seconds) / 2)")
  say "Half of what it bears by itself: $half events a second for $seconds s, and the bare producer at the same pace beside it"
  # From before the load's begin to behind its end: a broker answers slower where others want its processors too, and what
  # a server adds is told by who asks the same broker in the same seconds.
  begin_bare half --pace "$half" --burst 20 --max-records $((half * (seconds + 1)))
  metrics >"$dir/half-before"
  load half "$seconds" --connections "$connections" --batch-events 20 --pace "$half"
  metrics >"$dir/half-after"
  end_bare
  echo
  "$tools/bench-table" --latencies --server "$dir/half-server.json" --bare "$dir/half-bare.json"
  echo
  node scripts/bench-steps.mjs "$dir/half-before" "$dir/half-after"
fi

if [ -z "${1:-}" ] || [ "$1" = --overload ]; then
  bound=8388608
  stop_server
  begin_serving --memory-max-bytes $bound --http-max-body-bytes $bound --receipts-max-bytes $bound --event-ids-max-bytes $bound
  load calm 5 --connections 8 --batch-events 20
  say "More than it can bear: 1,000 connections with batches of 100 events, 150 MB at once, for 60 s"
  load over 60 --connections 1000 --batch-events 100 --max-events 20000000 --deadline 300
  echo
  node scripts/bench-memory.mjs "$dir/calm-server.json" "$dir/over-server.json" "$bound" 4 992
fi

echo
echo "$(nproc) cores, shared by the server, Kafka and the load; events of about 300 bytes; lz4, acks=all, linger 5 ms on both"
echo "sides. Switched on: check, duplicates, user agents, countries, cut addresses, limits. Processor time is user + system of"
echo "the one process."
