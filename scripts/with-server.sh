# shellcheck shell=bash
# The server as operators run it and, where one is wanted, a real Kafka, both stopped when the script ends; sourced after
# lib.sh. Sets dir, footfall, tools, server, admin, server_pid, brokers; address_rate is how many requests a second one address
# may make.

target=${CARGO_TARGET_DIR:-$ROOT/target}
footfall=$target/pgo/footfall tools=$target/release
dir=$(mktemp -d "${TMPDIR:-/tmp}/footfall-run.XXXXXX")
server_pid="" kafka_pid="" address_rate=off

# The server first: it still has to say goodbye to Kafka.
finish() {
  local status=$?
  trap - EXIT
  stop_server
  kill_kafka
  if [ "$status" = 0 ]; then
    rm -rf "$dir"
  else
    for log in "$dir"/*.log; do
      [ -e "$log" ] || continue
      note "the last lines of $log:"
      tail -n 20 "$log" >&2
    done
    note "everything is kept in $dir"
  fi
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

free_port() { node "$ROOT/scripts/free-port.mjs"; }

# Also a second time, with the data of the first.
start_kafka() {
  if [ -z "${kafka_port:-}" ]; then
    kafka_port=$(free_port)
    controller_port=$(free_port)
    brokers=127.0.0.1:$kafka_port
    is_new=1
  fi
  say "Starting Kafka on $brokers"
  mkdir -p "$dir/kafka"
  "$ROOT/scripts/kafka.sh" run --dir "$dir/kafka" --port "$kafka_port" --controller-port "$controller_port" \
    >>"$dir/kafka.log" 2>&1 &
  kafka_pid=$!
  if [ -n "$is_new" ]; then
    "$tools/topic-create" --brokers "$brokers" --deadline 90 footfall.events
    is_new=""
  fi
}

kill_kafka() {
  [ -n "$kafka_pid" ] || return 0
  kill -KILL "$kafka_pid" 2>/dev/null || true
  wait "$kafka_pid" 2>/dev/null || true
  kafka_pid=""
}

# `serve DATA_DIR further settings…`
serve() {
  local data=$1 started=$SECONDS
  shift
  server=127.0.0.1:$(free_port)
  admin=127.0.0.1:$(free_port)
  "$footfall" serve --listen "$server" --admin-listen "$admin" --data-dir "$data" --write-key pk_demo \
    --limits-address-requests-per-second "$address_rate" "$@" >"$dir/footfall.log" 2>&1 &
  server_pid=$!
  # shellcheck disable=SC2016 # process.argv is node's, not the shell's
  until node -e 'fetch(process.argv[1]).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))' "http://$admin/readyz"; do
    kill -0 "$server_pid" 2>/dev/null || die "the server has ended"
    [ $((SECONDS - started)) -lt 30 ] || die "the server is not ready within 30 s"
  done
}

# Until events go to Kafka itself.
until_healthy() {
  local started=$SECONDS
  until "$footfall" status --admin-listen "$admin" --json | grep -q '"state":"healthy"'; do
    [ $((SECONDS - started)) -lt 60 ] || die "the server does not find Kafka within 60 s"
    sleep 0.2
  done
}

stop_server() {
  [ -n "$server_pid" ] || return 0
  kill "$server_pid" 2>/dev/null || true
  wait "$server_pid" 2>/dev/null || true
  server_pid=""
}
