#!/usr/bin/env bash
# `make release`: the server as it is released, target/pgo/footfall. It is built so that it counts what it does, put under
# load with a real Kafka and with the journal, and built again by what it counted (profile-guided optimization), which saves a
# tenth of the processor time. Does nothing when that is up to date.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=with-server.sh
. "$(dirname "$0")/with-server.sh"
cd "$ROOT"

pgo=$target/pgo
mkdir -p "$pgo"
if have flock; then
  exec 9>"$pgo/.lock"
  flock 9
fi

sources() {
  rustc --version
  cat npm/dist/.stamp 2>/dev/null || true
  echo "${RUSTFLAGS:-}"
  find event-model delivery ingest-server Cargo.toml Cargo.lock scripts/build-release.sh -type f -print0 |
    LC_ALL=C sort -z | xargs -0 cksum
}
stamp=$(sources | fingerprint)
if [ "$(cat "$pgo/.stamp" 2>/dev/null)" = "$stamp" ]; then
  note "The server is up to date: $footfall"
  exit 0
fi

scripts/setup.sh system kafka geo llvm
profdata=$(find_profdata)
# Named, so that what only runs while building is built without counters.
host=$(rustc -vV | sed -n 's/^host: //p')
# `build FLAG INTO`: cargo does not look into a profile; by another one ours are built anew, and what they stand on is not.
build() {
  local ours=(-p footfall-ingest-server -p footfall-delivery -p footfall-event-model)
  cargo clean --quiet --profile dist --target "$host" --target-dir "$pgo/build" "${ours[@]}"
  RUSTFLAGS="${RUSTFLAGS:-} $1" cargo build --quiet --profile dist --target "$host" --target-dir "$pgo/build" -p footfall-ingest-server
  cp "$pgo/build/$host/dist/footfall" "$2"
}
cargo build --release -p footfall-tests

slow "Building the server with counters" "5 to 10 minutes" build "-Cprofile-generate=$pgo/counts" "$pgo/counting"
rm -rf "$pgo/counts"
footfall=$pgo/counting
# `load CONNECTIONS EVENTS further arguments…`
load() {
  "$tools/load" --server "$server" --server-pid "$server_pid" --write-key pk_demo --connections "$1" --batch-events "$2" \
    --seconds 4 --unchecked --max-events 50000000 --report "$dir/load.json" "${@:3}"
}
stamping=(--proxies-trusted 127.0.0.1 --geo-files "$CACHE/geo/geo-whois-asn-country.mmdb" --limits-key-events-per-second 10000000)
start_kafka
say "Putting it under load: in batches of 20, of 100 and of 1, packed, over many connections, and with the journal"
serve "$dir/kafka-data" --kafka-brokers "$brokers" --kafka-compression lz4 "${stamping[@]}"
until_healthy
load 32 20
load 32 20 --gzip
load 8 100
load 32 1
load 500 20
stop_server
serve "$dir/journal-data" "${stamping[@]}"
load 64 20
stop_server
"$profdata" merge -o "$pgo/profile.profdata" "$pgo/counts"/*.profraw ||
  die "$profdata cannot read what $(rustc --version) counts: rustup component add llvm-tools"

slow "Building the server by what it counted" "5 to 10 minutes" build "-Cprofile-use=$pgo/profile.profdata" "$pgo/new"
mv "$pgo/new" "$pgo/footfall"
rm -rf "$pgo/counting" "$pgo/counts"
echo "$stamp" >"$pgo/.stamp"
note "The server is built: $pgo/footfall"
