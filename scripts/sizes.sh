#!/usr/bin/env bash
# Prints what the SDK costs a visitor (brotli), and fails above the budget in npm/size-budget.json.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

"$ROOT/scripts/build-npm.sh"
exec npm --prefix "$ROOT/npm" run --silent sizes
