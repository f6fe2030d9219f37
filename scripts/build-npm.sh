#!/usr/bin/env bash
# Builds the npm package into npm/dist/, the browser module along with it. Does nothing when that is up to date,
# so that the server, which carries these files, is not built again either.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

"$ROOT/scripts/setup/node.sh" npm
"$ROOT/scripts/build-sdk.sh"

sources() {
  cat target/sdk-pkg/.stamp
  find npm/src npm/scripts npm/package.json npm/package-lock.json npm/tsconfig.json -type f -print0 |
    LC_ALL=C sort -z | xargs -0 cksum
}
stamp=$(sources | fingerprint)
if [ "$(cat npm/dist/.stamp 2>/dev/null)" = "$stamp" ]; then
  note "The npm package is up to date."
  exit 0
fi
say "Building the npm package (usually about 5 seconds)"
npm --prefix npm run --silent build
echo "$stamp" >npm/dist/.stamp
