#!/usr/bin/env bash
# `make e2e`: builds what a visitor's way through the product needs, then drives it with a real Chromium and a
# real Kafka. BUILD_PROFILE=release takes the release build; arguments go to node, such as --test-name-pattern.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

profile=${BUILD_PROFILE:-debug}
case $profile in
  debug) cargo_profile=dev ;;
  release) cargo_profile=release ;;
  *) die "BUILD_PROFILE is $profile; it can be debug or release" ;;
esac

scripts/setup.sh
scripts/build-npm.sh
say "Building the server, the forum and the tools of the tests"
cargo build --profile "$cargo_profile" -p footfall-ingest-server -p footfall-demo-site -p footfall-tests

say "Running the browser tests"
exec npm --prefix tests/e2e run --silent test -- "$@"
