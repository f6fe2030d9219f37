#!/usr/bin/env bash
# The toolchain for the browser module. The smallest module has the standard library built along with it,
# which takes its source (rust-src) and unstable flags. In order of preference:
#   rustup  the Rust on PATH, with the wasm target and rust-src, which rustup adds where they are missing;
#   debian  Debian's rustc-web, cargo-web and rust-web-src, where rustup cannot download (Debian, as root);
#   plain   the Rust on PATH with the wasm target alone: works, but the module is larger.
# BUILD_WASM_TOOLCHAIN=rustup|debian|plain asks for one of them. The choice is written to
# CACHE/wasm-toolchain.*.env for build-sdk.sh, and made anew when the Rust on PATH changes.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

TARGET=wasm32-unknown-unknown
asked=${BUILD_WASM_TOOLCHAIN:-auto}
env_file=$CACHE/wasm-toolchain.$asked.env
rust_sysroot=$(cd "$ROOT" && rustc --print sysroot) || die "rustc is missing: install Rust 1.95 or newer (https://rustup.rs)"

has_target() { [ -d "$1/lib/rustlib/$TARGET/lib" ]; }
has_source() { [ -f "$1/lib/rustlib/src/rust/library/Cargo.lock" ]; }

# What the choice rests on. It changes when Rust is updated, or gets what it lacked.
identity() {
  (cd "$ROOT" && rustc -vV)
  if has_target "$rust_sysroot"; then echo target; fi
  if has_source "$rust_sysroot"; then echo source; fi
  if [ -x /usr/bin/rustc ]; then /usr/bin/rustc -vV; fi
}

add_by_rustup() {
  if has_target "$rust_sysroot" && has_source "$rust_sysroot"; then return 0; fi
  have rustup || return 1
  local toolchain
  toolchain=$(cd "$ROOT" && rustup show active-toolchain 2>/dev/null) || return 1
  say "Adding $TARGET and rust-src by rustup (usually about 20 seconds)"
  # Bounded: without a network rustup retries for minutes.
  if RUST_BACKTRACE=0 bounded 180 rustup component add --toolchain "${toolchain%% *}" rust-src </dev/null >&2 &&
    RUST_BACKTRACE=0 bounded 180 rustup target add --toolchain "${toolchain%% *}" "$TARGET" </dev/null >&2 &&
    has_target "$rust_sysroot" && has_source "$rust_sysroot"; then
    return 0
  fi
  note "rustup could not supply them."
  return 1
}

# Debian's Rust has no standard library for wasm and lives in /usr; wasm-pack wants the target's directory in
# the sysroot and takes rustc and cargo from PATH. So a sysroot of links, with a rustc that knows of it. The
# target's directory stays empty: each build brings its own standard library.
debian_sysroot() {
  local into=$1 entry
  mkdir -p "$into/bin" "$into/lib/rustlib/$TARGET/lib"
  for entry in /usr/lib/rustlib/*; do ln -s "$entry" "$into/lib/rustlib/"; done
  printf '#!/bin/sh\nexec /usr/bin/rustc --sysroot "%s" "$@"\n' "$DEBIAN_SYSROOT" >"$into/bin/rustc"
  chmod +x "$into/bin/rustc"
  ln -s /usr/bin/cargo "$into/bin/cargo"
}

# Not each release of Debian has these packages, and a fresh container has no package lists yet.
debian_offers_rust() {
  is_debian_root || return 1
  if apt-cache show rust-web-src >/dev/null 2>&1; then return 0; fi
  say "Asking Debian for its Rust (usually about 10 seconds)"
  apt-get update >&2 && apt-cache show rust-web-src >/dev/null 2>&1
}

add_debian() {
  local package missing=()
  for package in rustc-web cargo-web rust-web-src lld; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
  done
  if [ "${#missing[@]}" != 0 ]; then packages "the wasm module" "${missing[@]}"; fi
  # Named after the very compiler, so that an upgrade of the packages makes a new one.
  DEBIAN_SYSROOT=$CACHE/wasm-sysroot-$(/usr/bin/rustc -vV | fingerprint)
  if [ ! -x "$DEBIAN_SYSROOT/bin/cargo" ]; then filled_by "$DEBIAN_SYSROOT" debian_sysroot; fi
}

# `write ROUTE BIN LINKER BUILD_STD`
write() {
  mkdir -p "$CACHE"
  {
    echo "# Written by scripts/setup/wasm.sh."
    printf 'WASM_IDENTITY=%q\nWASM_ROUTE=%q\nWASM_BIN=%q\nWASM_LINKER=%q\nWASM_BUILD_STD=%q\n' \
      "$(identity | fingerprint)" "$@"
  } >"$env_file.$$"
  mv "$env_file.$$" "$env_file"
}

use_rustup() { write rustup "" "" yes; }
use_debian() {
  add_debian
  # The linker that came with the Rust on PATH is as new as its LLVM; Debian's may be years older.
  local lld
  lld=$(find "$rust_sysroot/lib/rustlib" -name rust-lld -path '*/bin/*' | head -n 1)
  write debian "$DEBIAN_SYSROOT/bin" "${lld:-$(command -v wasm-ld)}" yes
}
use_plain() {
  say "The wasm module will be larger: the standard library's source is missing (rustup component add rust-src)"
  write plain "" "" no
}

if [ -f "$env_file" ]; then
  # shellcheck source=/dev/null
  . "$env_file"
  if [ "$WASM_IDENTITY" = "$(identity | fingerprint)" ] && [ -x "${WASM_BIN:-/bin}/${WASM_BIN:+cargo}" ]; then exit 0; fi
fi

case $asked in
  rustup) add_by_rustup || die "this Rust lacks $TARGET or rust-src, and rustup cannot add them: rustup target add $TARGET && rustup component add rust-src"
    use_rustup ;;
  debian) use_debian ;;
  plain) has_target "$rust_sysroot" || die "this Rust lacks $TARGET: rustup target add $TARGET"
    use_plain ;;
  auto)
    if add_by_rustup; then use_rustup
    elif debian_offers_rust; then use_debian
    elif has_target "$rust_sysroot"; then use_plain
    else die "no Rust here can build for $TARGET. Either: rustup target add $TARGET && rustup component add rust-src; or on Debian: sudo apt-get install rustc-web cargo-web rust-web-src lld, then BUILD_WASM_TOOLCHAIN=debian"
    fi ;;
  *) die "BUILD_WASM_TOOLCHAIN is '$asked'; it may be rustup, debian or plain" ;;
esac
# shellcheck source=/dev/null
. "$env_file"
say "The wasm module is built by: $WASM_ROUTE"
