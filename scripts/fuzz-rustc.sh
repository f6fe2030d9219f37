#!/usr/bin/env bash
# The compiler of scripts/fuzz.sh: rustc, with LLVM's coverage pass for the crates that take apart what comes from
# outside. All others stay as they are: their counters would cost each run time and lead the fuzzer astray.
set -euo pipefail

rustc=$1
shift
name="" previous="" is_for_target=no
for argument in "$@"; do
  if [ "$previous" = --crate-name ]; then name=$argument; fi
  # What runs while compiling (build scripts, macros) is compiled without a target.
  if [ "$argument" = --target ]; then is_for_target=yes; fi
  previous=$argument
done
flags=()
case $is_for_target:$name in
  yes:ingest_server | yes:footfall_event_model | yes:serde_json | yes:serde_ignored | yes:toml | yes:toml_parser | \
    yes:serde_spanned | yes:winnow | yes:proxy_header | yes:form_urlencoded | yes:percent_encoding | yes:brotli_decompressor | \
    yes:flate2 | yes:miniz_oxide | yes:http | yes:jiff | yes:matchit | yes:ua_parser | yes:serde_urlencoded)
    flags=(-Cpasses=sancov-module)
    for flag in level=4 inline-8bit-counters pc-table trace-compares; do
      flags+=("-Cllvm-args=-sanitizer-coverage-$flag")
    done ;;
esac
exec "$rustc" "$@" "${flags[@]}"
