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
  local name=$1 status=0 since
  printf '\n'
  say "$name"
  wait "${pids[$name]}" || status=$?
  cat "${logs[$name]}"
  # It may have ended long before: it took until it last said something.
  since=$(($(date +%s) - $(date -r "${logs[$name]}" +%s)))
  rm -f "${logs[$name]}"
  note_result "$name" $((${starts[$name]} + since)) "$status"
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

# Beside others: there is more to do than two processors can, but most of it waits. Below what must be in time.
aside=(nice -n 5)

# What all the others need. The crates are built in one go, tests and programs together: built apart, half of
# their dependencies would be compiled a second time with other features. Nothing runs beside what compiles: browsers that
# are starved break tests.
if suite "Set-up" scripts/setup.sh && suite "Build of the SDK and the npm package" scripts/build-npm.sh; then
  if suite "Build of the crates" cargo build --workspace --all-targets; then
    # Most of their time they wait, and what they hold to are seconds: nothing comes before them.
    begin "Faults, their quick rows" cargo test --workspace -- fault-rows
    # Not before: what clippy compiles would keep the faults waiting.
    begin "Format and lints" nice -n 19 scripts/lint.sh
    suite "Tests of the npm package" "${aside[@]}" npm --prefix npm run --silent test || true
    end "Format and lints" || true
    begin "Loss matrix, its quick form" "${aside[@]}" node --test --test-timeout=300000 --test-reporter=spec tests/loss/quick.test.mjs
    # More at once than there are processors, since they wait more than they compute.
    suite "Tests of the Rust crates" "${aside[@]}" env RUST_TEST_THREADS=4 \
      cargo test --workspace --no-fail-fast -- --skip fault-rows || true
    suite "The check in wasm and natively" "${aside[@]}" scripts/check-twice.sh || true
    end "Loss matrix, its quick form" || true
    begin "Segment's own clients" "${aside[@]}" scripts/segment-clients.sh
    suite "Browser and Kafka tests" "${aside[@]}" npm --prefix tests/e2e run --silent test || true
    end "Segment's own clients" || true
    end "Faults, their quick rows" || true
  else
    suite "Format and lints" scripts/lint.sh || true
    suite "Tests of the npm package" npm --prefix npm run --silent test || true
  fi
  suite "Sizes" sizes || true
fi
summary
