#!/usr/bin/env bash
# `make bench-idle`: what a server that has nothing to do takes of memory, with the rules for user agents and without, and
# with 10,000 idle connections, each beside its goal. Two minutes once it is built. It fails where one takes more.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

connections=${BENCH_CONNECTIONS:-10000}
target=${CARGO_TARGET_DIR:-$ROOT/target}
# A file for each connection in the server, and one in who opens them; and what both have open anyway.
files=$((connections + 500))

scripts/setup.sh system
say "Building the server as operators run it (the first time about 15 minutes)"
build_server
if [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt "$files" ]; then
  ulimit -n "$files" 2>/dev/null ||
    die "$connections connections need $files open files and $(ulimit -Hn) are allowed: raise ulimit -n, or set BENCH_CONNECTIONS"
fi
say "Measuring, $connections connections"
node tests/idle-connections.mjs "$target/dist/footfall" "$connections"
echo
echo "Resident memory of the one process, 22 s after its last connection was opened."
