#!/usr/bin/env bash
# The check of events must say the same in the browser's module and in the server: builds it for both, and compares
# what they say of 10,000 made-up events.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

"$ROOT/scripts/setup/wasm.sh"
# shellcheck source=/dev/null
. "$CACHE/wasm-toolchain.${BUILD_WASM_TOOLCHAIN:-auto}.env"

module() (
  options=(--quiet --package footfall-check-twice --lib --target wasm32-unknown-unknown --target-dir "$ROOT/target/check-twice")
  # Debian's Rust has no standard library for this target.
  if [ "$WASM_ROUTE" = debian ]; then
    export RUSTC_BOOTSTRAP=1
    options+=(-Z "build-std=std,panic_abort")
  fi
  if [ -n "$WASM_LINKER" ]; then export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$WASM_LINKER; fi
  if [ -n "$WASM_BIN" ]; then
    export PATH="$WASM_BIN:$PATH"
    unset RUSTC CARGO RUSTUP_TOOLCHAIN
  fi
  cargo rustc "${options[@]}" --crate-type cdylib
)
module
cargo run --quiet --package footfall-check-twice |
  node tests/check-twice/compare.mjs target/check-twice/wasm32-unknown-unknown/debug/footfall_check_twice.wasm
