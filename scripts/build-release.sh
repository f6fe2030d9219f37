#!/usr/bin/env bash
# `make release`: the server as it is released, target/pgo/footfall. It is built so that it counts what it does, its C libraries
# too, put under load with a real Kafka and with the journal, and built again by what it counted (profile-guided
# optimization), which saves a tenth of the processor time. Does nothing when that is up to date.
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
llvm=$(find_llvm)
# Named, so that what only runs while building is built without counters.
host=$(rustc -vV | sed -n 's/^host: //p')
# `build RUSTFLAG CFLAGS INTO`
build() {
  CC=clang-$llvm CFLAGS=$2 RUSTFLAGS="${RUSTFLAGS:-} $1" \
    cargo build --quiet --profile dist --target "$host" --target-dir "$pgo/build" -p footfall-ingest-server
  cp "$pgo/build/$host/dist/footfall" "$3"
}
# Cargo does not look into a profile, and would keep what was built by another one.
rm -rf "$pgo/build"
cargo build --release -p footfall-tests

# By the frontend's own flags: the driver's would link a second library that writes counts, beside rustc's. Without the values
# that calls come with, whose counting is a call into it, configure scripts link C alone.
counts=(-mllvm -disable-vp -Xclang -fprofile-instrument=llvm -Xclang "-fprofile-instrument-path=$pgo/counts/default_%m_%p.profraw")
slow "Building the server with counters" "5 to 10 minutes" build "-Cprofile-generate=$pgo/counts" "${counts[*]}" "$pgo/counting"
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
"llvm-profdata-$llvm" merge -o "$pgo/profile.profdata" "$pgo/counts"/*.profraw ||
  die "LLVM $llvm cannot read what $(rustc --version) counts: install clang and llvm of a newer version"

# Tests and tools of the C libraries have no counts, which is nothing to warn of.
by_counts=("-fprofile-use=$pgo/profile.profdata" -Wno-profile-instr-unprofiled -Wno-profile-instr-out-of-date)
slow "Building the server by what it counted" "5 to 10 minutes" build "-Cprofile-use=$pgo/profile.profdata" "${by_counts[*]}" "$pgo/new"
mv "$pgo/new" "$pgo/footfall"
rm -rf "$pgo/counting" "$pgo/counts"
echo "$stamp" >"$pgo/.stamp"
note "The server is built: $pgo/footfall"
