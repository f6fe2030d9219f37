#!/usr/bin/env bash
# Fuzzes what reads bytes from outside: scripts/fuzz.sh [--seconds N] [--keep] [target …], a minute for each target, all
# when none is named. `--keep` then puts the smallest inputs that reach all of it into tests/fuzz/corpus.
# scripts/fuzz.sh TARGET FILE … runs single inputs, such as a crash.
# Coverage comes from the compiler's own passes, so that stable Rust does.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

crate=tests/fuzz
work=$ROOT/target/fuzz
seconds=60 keep=no
targets=() inputs=()

is_target() { [ -d "$crate/corpus/$1" ]; }

while [ $# -gt 0 ]; do
  case $1 in
    --seconds)
      [[ ${2:-} =~ ^[0-9]{1,6}$ ]] || die "--seconds needs a number of seconds, such as 60"
      seconds=$2
      shift ;;
    --keep) keep=yes ;;
    -*) die "fuzz.sh knows no option '$1'; it knows --seconds N and --keep" ;;
    *)
      if is_target "$1"; then targets+=("$1"); elif [ -f "$1" ]; then inputs+=("$1"); else
        die "'$1' is no target and no file; the targets are: $(cd "$crate/corpus" && echo *)"
      fi ;;
  esac
  shift
done
if [ "${#targets[@]}" = 0 ]; then mapfile -t targets < <(cd "$crate/corpus" && printf '%s\n' *); fi
if [ "${#inputs[@]}" != 0 ] && [ "${#targets[@]}" != 1 ]; then die "inputs are run through one target: fuzz.sh TARGET FILE …"; fi

scripts/setup.sh system
host=$(rustc -vV | sed -n 's/^host: //p')
build() {
  # With a target named, what runs while compiling is told from what is fuzzed.
  RUSTC_WRAPPER=$ROOT/scripts/fuzz-rustc.sh nice -n 10 cargo build --package footfall-fuzz --features libfuzzer \
    --bin fuzz --profile fuzz --target "$host" --target-dir "$work" --quiet
}
slow "Building the targets for the fuzzer" "5 minutes the first time" build
fuzzer=$work/$host/fuzz/fuzz

# `fuzz TARGET option…`
fuzz() {
  local target=$1
  shift
  FUZZ_TARGET=$target RUST_BACKTRACE=0 nice -n 10 "$fuzzer" -timeout=10 -rss_limit_mb=2048 -max_len=10000 \
    -artifact_prefix="$work/crashes/$target-" "$@"
}
mkdir -p "$work/crashes" "$work/logs"

if [ "${#inputs[@]}" != 0 ]; then
  fuzz "${targets[0]}" "${inputs[@]}" || die "${targets[0]} breaks a promise; what it says stands above"
  exit
fi

# The last figure behind a word in a log.
figure() { sed -n "s|.*$1[: ] *\([0-9]*\).*|\1|p" "$2" | tail -n 1; }

rows=() broken=()
run() {
  local target=$1 log=$work/logs/$1 found=$work/corpus/$1 options=() status=0
  mkdir -p "$found"
  if [ -f "$crate/dictionaries/$target" ]; then options+=(-dict="$crate/dictionaries/$target"); fi
  say "$target: $seconds s"
  fuzz "$target" -max_total_time="$seconds" -print_final_stats=1 "${options[@]}" "$found" "$crate/corpus/$target" 2>&1 |
    tee "$log" | { grep -E --line-buffered '^#[0-9]+[[:space:]]+(INITED|pulse|DONE)' || true; } >&2 || status=$?
  local result=ok crash
  if [ "$status" != 0 ]; then
    result=BROKEN
    crash=$(sed -n 's|.*Test unit written to ||p' "$log" | tail -n 1)
    broken+=("$(grep -A 3 -m 1 -E 'panicked at|^==[0-9]+== ?ERROR' "$log")" "again: scripts/fuzz.sh $target ${crash:-(see $log)}")
  fi
  rows+=("$(printf '%-13s %10s %7s %7s %6s  %s' "$target" "$(figure number_of_executed_units "$log")" \
    "$(figure average_exec_per_sec "$log")" "$(figure ' cov' "$log")" "$(figure new_units_added "$log")" "$result")")
}

# The inputs that are kept and those that were found, as few and as small as reach the same code. How often they pass it
# is not asked: that alone would keep three times as many files, and a minute of fuzzing finds it again.
keep() {
  local target=$1 smallest=$work/smallest/$1
  rm -rf "$smallest"
  mkdir -p "$smallest" "$work/corpus/$target"
  say "$target: keeping the smallest inputs"
  fuzz "$target" -use_counters=0 -set_cover_merge=1 "$smallest" "$crate/corpus/$target" "$work/corpus/$target" >"$work/logs/$target-keep" 2>&1 ||
    die "the inputs of $target could not be merged; the log is $work/logs/$target-keep"
  rm -rf "${crate:?}/corpus/$target"
  mv "$smallest" "$crate/corpus/$target"
}

for target in "${targets[@]}"; do
  if [ "$seconds" != 0 ]; then run "$target"; fi
done
if [ "$keep" = yes ]; then
  [ "${#broken[@]}" = 0 ] || die "nothing is kept while a target is broken"
  for target in "${targets[@]}"; do keep "$target"; done
  note "$(find "$crate/corpus" -type f | wc -l) inputs, $(find "$crate/corpus" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }') bytes"
fi
if [ "$seconds" = 0 ]; then exit; fi
printf '\n%-13s %10s %7s %7s %6s  %s\n' target runs runs/s cov new result
printf '%s\n' "${rows[@]}" "${broken[@]}"
[ "${#broken[@]}" = 0 ]
