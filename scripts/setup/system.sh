#!/usr/bin/env bash
# What the Rust and Node builds take for granted: Rust, Node.js, and a C toolchain for librdkafka and
# SQLite, which are built from source, with the headers of OpenSSL for TLS to Kafka.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

NODE=20.10
rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")

{ have cargo && have rustc; } || die "Rust is missing: install Rust $rust or newer (https://rustup.rs)"
version=$(cd "$ROOT" && rustc --version | cut -d ' ' -f 2)
at_least "$rust" "$version" || die "Rust $rust or newer is needed and this is $version: rustup update"

missing=()
have cc || missing+=(gcc libc6-dev)
have c++ || missing+=(g++)
have make || missing+=(make)
have pkg-config || missing+=(pkg-config)
{ have pkg-config && pkg-config --exists openssl; } || missing+=(libssl-dev)
if [ "${#missing[@]}" != 0 ]; then packages "building librdkafka and SQLite" "${missing[@]}"; fi

# Debian's own Node.js may be too old, which apt would not tell.
{ have node && have npm; } || die "Node.js $NODE or newer, with npm, is missing: https://nodejs.org/en/download"
version=$(node --version)
at_least "$NODE" "${version#v}" || die "Node.js $NODE or newer is needed and this is ${version#v}: https://nodejs.org/en/download"
