#!/usr/bin/env bash
# `make test`: every test there is, and at the end what became of each suite. Goes on after a suite that
# failed, unless the later ones need what it builds. All in the dev profile, so that nothing is built twice.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

results=()
failed=0
# `suite NAME command…`
suite() {
  local name=$1 start=$SECONDS status=0 word=passed
  shift
  printf '\n'
  say "$name"
  "$@" </dev/null || status=$?
  if [ "$status" != 0 ]; then
    word=FAILED
    failed=$((failed + 1))
  fi
  results+=("$(printf '%-7s %4d s  %s' "$word" $((SECONDS - start)) "$name")")
  return "$status"
}

sizes() {
  if npm --prefix npm run --silent sizes; then echo "1 passed, 0 failed"; else
    echo "0 passed, 1 failed"
    return 1
  fi
}

summary() {
  printf '\n'
  say "All suites:"
  printf '    %s\n' "${results[@]}"
  [ "$failed" = 0 ]
}

# What all the others need. The crates are built in one go, tests and programs together: built apart, half of
# their dependencies would be compiled a second time with other features.
if suite "Set-up" scripts/setup.sh && suite "Build of the SDK and the npm package" scripts/build-npm.sh; then
  suite "Format and lints" scripts/lint.sh || true
  suite "Tests of the npm package" npm --prefix npm run --silent test || true
  if suite "Build of the crates" cargo build --workspace --all-targets; then
    suite "Tests of the Rust crates" cargo test --workspace --no-fail-fast || true
    suite "Browser and Kafka tests" npm --prefix tests/e2e run --silent test || true
    suite "Loss matrix, its quick form" node --test --test-timeout=300000 --test-reporter=spec tests/loss/quick.test.mjs || true
  fi
  suite "Sizes" sizes || true
fi
summary
