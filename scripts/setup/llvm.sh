#!/usr/bin/env bash
# llvm-profdata, which joins what a program counted of itself into a profile that rustc reads.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

if find_profdata >/dev/null; then exit 0; fi
packages "building by a profile (or: rustup component add llvm-tools)" llvm-19
find_profdata >/dev/null || die "llvm-profdata is missing: rustup component add llvm-tools, or LLVM 19 or newer"
