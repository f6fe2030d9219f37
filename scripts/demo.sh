#!/usr/bin/env bash
# `make demo [KAFKA=host:port]`: builds all that a visitor meets, starts the ingest server and the forum, and
# says which address to open. Ctrl-C stops both. Ports: FORUM_PORT (3000), INGEST_PORT (8080), ADMIN_PORT
# (8081); what the two remember is in DEMO_DIR (.footfall).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

START_DEADLINE_S=60
STOP_DEADLINE_S=20
forum=${FORUM_PORT:-3000} ingest=${INGEST_PORT:-8080} admin=${ADMIN_PORT:-8081}
dir=${DEMO_DIR:-.footfall}
brokers=${KAFKA:-}
bin=${CARGO_TARGET_DIR:-target}/release

# Whether http://127.0.0.1:PORT/PATH answers 200.
answers() (
  exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
  printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
  read -r -t 5 _ status _ <&3
  [ "$status" = 200 ]
) 2>/dev/null

need_free() {
  is_port "$2" || die "$1 is '$2'; it must be a port from 1 to 65535"
  if listens 127.0.0.1 "$2"; then
    die "port $2 is taken by another program: stop that, or choose another port, for example: make demo $1=$((($2 + 10000) % 65536))"
  fi
}
# Before the build, so that nobody waits minutes to be told.
need_free FORUM_PORT "$forum"
need_free INGEST_PORT "$ingest"
need_free ADMIN_PORT "$admin"

need_kafka() {
  local broker
  for broker in ${brokers//,/ }; do
    is_port "${broker##*:}" || die "KAFKA names '$broker'; it must be host:port, for example: make demo KAFKA=localhost:9092"
    if listens "${broker%:*}" "${broker##*:}"; then return; fi
  done
  die "no Kafka answers at $brokers: start one (make kafka starts one on localhost:9092), or leave KAFKA out"
}
if [ -n "$brokers" ]; then need_kafka; fi

scripts/setup.sh system geo
scripts/build-npm.sh
say "Building the server and the forum (the first time about 6 minutes)"
cargo build --release -p footfall-ingest-server -p footfall-demo-site

mkdir -p "$dir/demo" "$dir/forum"
pids=()
names=()
interrupted=""
# Passed on at once, so that the wait below always ends; a terminal's Ctrl-C has reached the two already.
trap 'interrupted=yes; kill -TERM "${pids[@]}" 2>/dev/null' INT TERM HUP

# `start NAME LOG command…`
start() {
  local name=$1 log=$2
  shift 2
  NO_COLOR=1 "$@" >"$log" 2>&1 </dev/null &
  pids+=($!)
  names+=("$name")
}

stop_all() {
  local i deadline=$((SECONDS + STOP_DEADLINE_S))
  trap '' INT TERM HUP
  say "Stopping the forum and the ingest server"
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill -TERM "${pids[i]}" 2>/dev/null || true
    while kill -0 "${pids[i]}" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
    if kill -KILL "${pids[i]}" 2>/dev/null; then note "the ${names[i]} did not stop within $STOP_DEADLINE_S s and was killed"; fi
    wait "${pids[i]}" 2>/dev/null || true
  done
  note "both are stopped; what they remember is kept in $dir/"
}

# `check_alive`: ends the demo when one of the two has ended by itself.
check_alive() {
  local i log
  for i in "${!pids[@]}"; do
    if kill -0 "${pids[i]}" 2>/dev/null; then continue; fi
    if [ -n "$interrupted" ]; then return; fi
    log=${logs[i]}
    printf 'error: the %s has ended; the last lines of %s:\n' "${names[i]}" "$log" >&2
    tail -n 20 "$log" >&2
    stop_all
    exit 1
  done
}

# `wait_for NAME PORT PATH`
wait_for() {
  local deadline=$((SECONDS + START_DEADLINE_S))
  until answers "$2" "$3"; do
    if [ -n "$interrupted" ]; then return; fi
    check_alive
    if [ "$SECONDS" -ge "$deadline" ]; then
      printf 'error: the %s is not ready after %s s; see %s\n' "$1" "$START_DEADLINE_S" "${logs[*]}" >&2
      stop_all
      exit 1
    fi
    sleep 0.2
  done
}

logs=("$dir/footfall.log" "$dir/forum.log")
kafka_options=()
if [ -n "$brokers" ]; then kafka_options=(--kafka-brokers "$brokers"); fi
start "ingest server" "${logs[0]}" "$bin/footfall" serve --listen "127.0.0.1:$ingest" \
  --admin-listen "127.0.0.1:$admin" --data-dir "$dir/demo" --write-key pk_demo "${kafka_options[@]}" \
  --geo-files "$CACHE/geo/geo-whois-asn-country.mmdb" --proxies-trusted 127.0.0.1
wait_for "ingest server" "$admin" /readyz
if [ -z "$interrupted" ]; then
  start "forum" "${logs[1]}" "$bin/footfall-forum" --listen "127.0.0.1:$forum" --data-dir "$dir/forum" \
    --ingest-url "http://127.0.0.1:$ingest" --admin-url "http://127.0.0.1:$admin" --write-key pk_demo
  wait_for forum "$forum" /healthz
fi

if [ -n "$brokers" ]; then
  kept="Kafka at $brokers, topic footfall.events"
else
  kept="$dir/demo; to read them: $bin/footfall tail --data-dir $dir/demo --from-start"
fi
if [ -z "$interrupted" ]; then
  cat <<END

  Open  http://127.0.0.1:$forum  in a browser and click about.
  The panel on the page shows each event as the server accepts it.

  Events are kept in  $kept
  Logs                ${logs[*]}
  Ctrl-C stops it.

END
fi
while [ -z "$interrupted" ]; do
  # Ends when one of the two does, or on a signal.
  wait -n || true
  check_alive
done
echo
stop_all
