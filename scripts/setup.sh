#!/usr/bin/env bash
# Sets up what this machine lacks: scripts/setup.sh [part …], all that tests and the demo need when none is named. Each part is a
# script in setup/, safe to repeat, and takes no time when nothing is missing. What is fetched or built is kept
# outside the checkout, in BUILD_CACHE (~/.cache/footfall).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

PARTS=(system wasm wasm-tools kafka schema-registry proxy redis geo geo-test browser node segment-clients deny)
# What only a release needs.
FURTHER=(llvm)

for part in "$@"; do
  [ -x "$ROOT/scripts/setup/$part.sh" ] || die "setup.sh knows no part '$part'; the parts are: ${PARTS[*]} ${FURTHER[*]}"
done
if [ $# = 0 ]; then set -- "${PARTS[@]}"; fi
for part in "$@"; do "$ROOT/scripts/setup/$part.sh"; done
