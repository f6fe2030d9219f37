#!/usr/bin/env bash
# `make soak`: a server with a real Kafka under a steady load for 20 minutes (`--minutes N`, at least 3; `--pace N` events
# a second), whose broker is killed in the middle and started again after 20 s. Prints memory and latency by the minute and
# looks up every acknowledged event; fails where one is missing or stored twice without being told, an answer takes 3 s,
# or memory or latency are not at the end what they were at the beginning. The memories of batch and event ids are small
# here: full within the first minute, they cannot pass for something that grows, nor hide it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

minutes=20 pace=1000
while [ $# -gt 0 ]; do
  case $1 in
    --minutes) minutes=${2:?--minutes needs a number} ;;
    --pace) pace=${2:?--pace needs a number} ;;
    *) die "unknown option $1; there are --minutes N and --pace N" ;;
  esac
  shift 2
done
if ! [[ $minutes =~ ^[0-9]+$ ]] || [ "$minutes" -lt 3 ]; then die "--minutes is $minutes; it must be 3 or more"; fi
if ! [[ $pace =~ ^[1-9][0-9]*$ ]]; then die "--pace is $pace; it must be events a second, such as 1000"; fi
# shellcheck source-path=SCRIPTDIR source=with-server.sh
. "$(dirname "$0")/with-server.sh"
cd "$ROOT"

scripts/setup.sh system kafka
build_measured
start_kafka
serve "$dir/server" --kafka-brokers "$brokers" --event-ids-max-bytes 1MiB --receipts-max-bytes 1MiB
until_healthy

middle=$(((minutes + 1) / 2))
say "$pace events a second for $minutes minutes; the broker is killed in minute $middle"
"$tools/soak" --server "$server" --admin "$admin" --server-pid "$server_pid" --brokers "$brokers" --minutes "$minutes" \
  --hurt-in "$middle" --pace "$pace" &
soak_pid=$!
# 20 s into that minute. A load that ends before it has failed.
for ((left = (middle - 1) * 60 + 20; left > 0; left--)); do
  kill -0 "$soak_pid" 2>/dev/null || break
  sleep 1
done
if kill -0 "$soak_pid" 2>/dev/null; then
  kill_kafka
  sleep 20
  start_kafka
fi
wait "$soak_pid"
