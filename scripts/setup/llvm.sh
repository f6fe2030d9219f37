#!/usr/bin/env bash
# clang, which counts in C what rustc counts in Rust, and llvm-profdata, which joins what a program counted of itself into a
# profile that both compile by.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

if find_llvm >/dev/null; then exit 0; fi
packages "building by a profile" clang-19 llvm-19
find_llvm >/dev/null || die "clang-19 and llvm-profdata-19 are missing, or those of LLVM 20 to 22"
