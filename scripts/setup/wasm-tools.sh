#!/usr/bin/env bash
# wasm-pack, and the wasm-bindgen command of the very version that Cargo.lock names: glue and module must
# agree on it. Taken from PATH if right, else built into the cache. The paths go into CACHE/wasm-tools.env.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

WASM_PACK_VERSION=0.15.1
wasm_bindgen_version=$(locked_version wasm-bindgen)
wasm_bindgen_version=${wasm_bindgen_version:-0.2.130}
[ -n "$wasm_bindgen_version" ] || die "Cargo.lock names no wasm-bindgen: run cargo metadata in the checkout first"

# Only their speed on one small module counts, so they are built fast rather than optimised.
build() {
  local name=$1 version=$2 into=$3
  shift 3
  env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u CARGO_TARGET_DIR -u CARGO_BUILD_TARGET \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo install "$name" --version "=$version" --root "$into" --quiet "$@"
}
# wasm-bindgen-cli without --locked: its lock file names a version that no longer exists.
build_wasm_pack() { build wasm-pack "$WASM_PACK_VERSION" "$1" --locked; }
build_wasm_bindgen() { build wasm-bindgen-cli "$wasm_bindgen_version" "$1"; }

# `tool COMMAND CRATE VERSION USUAL BUILD`: prints the directory that holds the command.
tool() {
  local command=$1 version=$3 usual=$4 dir
  if [ "$("$command" --version 2>/dev/null)" = "$command $version" ]; then
    dirname "$(command -v "$command")"
    return
  fi
  dir=$CACHE/tools/$2-$version
  if [ ! -x "$dir/bin/$command" ]; then
    slow "Building $2 $version into $dir" "$usual" filled_by "$dir" "$5"
  fi
  echo "$dir/bin"
}

have cargo || die "cargo is missing: install Rust 1.95 or newer (https://rustup.rs)"
wasm_pack_bin=$(tool wasm-pack wasm-pack "$WASM_PACK_VERSION" "3 minutes" build_wasm_pack)
wasm_bindgen_bin=$(tool wasm-bindgen wasm-bindgen-cli "$wasm_bindgen_version" "2 minutes" build_wasm_bindgen)

mkdir -p "$CACHE"
{
  echo "# Written by scripts/setup/wasm-tools.sh."
  printf 'WASM_PACK=%q\nWASM_BINDGEN_DIR=%q\n' "$wasm_pack_bin/wasm-pack" "$wasm_bindgen_bin"
} >"$CACHE/wasm-tools.env.$$"
mv "$CACHE/wasm-tools.env.$$" "$CACHE/wasm-tools.env"
