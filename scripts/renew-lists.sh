#!/usr/bin/env bash
# Renews the kept lists in ingest-server/data: scripts/renew-lists.sh <checkout of matomo-org/searchengine-and-social-list>.
# Where each list comes from, and under which licence, stands in ingest-server/data/README.md.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

[ $# = 1 ] && [ -f "$1/SearchEngines.yml" ] || die "name a checkout of matomo-org/searchengine-and-social-list"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-save --no-audit --no-fund crawler-user-agents@1 js-yaml@4)
uap=$(cd "$ROOT" && cargo metadata --format-version 1 --locked |
  node -pe 'JSON.parse(require("fs").readFileSync(0)).packages.find(({ name }) => name === "ua-parser").manifest_path')
cp "$ROOT/scripts/renew-lists.mjs" "$work/"
node "$work/renew-lists.mjs" "$(dirname "$uap")/uap-core" "$1" "$ROOT/ingest-server/data"
