#!/usr/bin/env bash
# Builds the npm package into npm/dist/, the browser module along with it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

"$ROOT/scripts/setup/node.sh" npm
"$ROOT/scripts/build-sdk.sh"
say "Building the npm package (usually about 5 seconds)"
npm --prefix "$ROOT/npm" run --silent build
