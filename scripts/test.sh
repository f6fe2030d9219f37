#!/usr/bin/env bash
# `make test`: every test there is, and at the end what became of each suite. Goes on after a suite that
# failed, unless the later ones need what it builds. All in the dev profile, so that nothing is built twice.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

results=()
failed=0
declare -A logs pids starts
trap 'kill $(jobs -p) 2>/dev/null || true; rm -f "${logs[@]}"' EXIT

# `suite NAME command…`
suite() {
  local name=$1 start=$SECONDS status=0
  shift
  printf '\n'
  say "$name"
  "$@" </dev/null || status=$?
  note_result "$name" "$start" "$status"
}

# `begin NAME command…`: a suite beside others, for what waits much or may wait for them; `end NAME` shows what it said.
begin() {
  local name=$1
  shift
  logs[$name]=$(mktemp "${TMPDIR:-/tmp}/footfall-suite.XXXXXX")
  starts[$name]=$SECONDS
  "$@" </dev/null >"${logs[$name]}" 2>&1 &
  pids[$name]=$!
}

end() {
  local name=$1 status=0
  printf '\n'
  say "$name"
  wait "${pids[$name]}" || status=$?
  cat "${logs[$name]}"
  rm -f "${logs[$name]}"
  note_result "$name" "${starts[$name]}" "$status"
}

note_result() {
  local name=$1 start=$2 status=$3 word=passed
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
# their dependencies would be compiled a second time with other features. What compiles gets what the browsers leave.
if suite "Set-up" scripts/setup.sh && suite "Build of the SDK and the npm package" scripts/build-npm.sh; then
  begin "Format and lints" nice -n 19 scripts/lint.sh
  begin "Build of the crates" nice -n 19 cargo build --workspace --all-targets
  suite "Tests of the npm package" npm --prefix npm run --silent test || true
  end "Format and lints" || true
  if end "Build of the crates"; then
    begin "Loss matrix, its quick form" node --test --test-timeout=300000 --test-reporter=spec tests/loss/quick.test.mjs
    suite "Tests of the Rust crates" cargo test --workspace --no-fail-fast || true
    end "Loss matrix, its quick form" || true
    suite "Segment's own clients" scripts/segment-clients.sh || true
    suite "Browser and Kafka tests" npm --prefix tests/e2e run --silent test || true
  fi
  suite "Sizes" sizes || true
fi
summary
