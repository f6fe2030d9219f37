#!/usr/bin/env bash
# Format and lints, warnings counted as errors. Goes on after a failure, so that one run names all there is.
# Ends with the line `N passed, N failed`.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

passed=0 failed=0
check() {
  local name=$1
  shift
  say "$name"
  if "$@"; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    note "$name: failed"
  fi
}

scripts/setup.sh system
scripts/setup/node.sh npm tests/e2e
check "Rust format" cargo fmt --check
check "Rust lints" cargo clippy --workspace --all-targets --quiet -- -D warnings
# The browser half of the SDK exists only on its own target, which needs that target's standard library.
if [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; then
  check "Rust lints, in the browser" \
    cargo clippy -p footfall-sdk --lib --target wasm32-unknown-unknown --quiet -- -D warnings
fi
deny=$(scripts/setup/deny.sh)
check "Licences and sources of the crates" "$deny" --log-level error check --hide-inclusion-graph licenses bans sources
check "TypeScript lints" npm --prefix npm run --silent lint
check "JavaScript lints of the SDK's bench" \
  npm/node_modules/.bin/oxlint --deny-warnings --config npm/.oxlintrc.json tests/bench-sdk
check "TypeScript types" npm --prefix npm run --silent typecheck
check "systemd unit" scripts/check-unit.sh
if have shellcheck; then
  check "Shell lints" shellcheck --severity=warning --external-sources scripts/*.sh scripts/setup/*.sh .ci/run
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
