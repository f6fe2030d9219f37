#!/usr/bin/env bash
# The npm dependencies of the given projects (default: npm and tests/e2e), as their package-lock.json says.
# A project that does not exist is passed over; one whose lock has not changed is left alone.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

install() {
  local manifest=package.json verb=install
  cd "$ROOT/$1"
  if [ -f package-lock.json ]; then manifest=package-lock.json verb=ci; fi
  local stamp=node_modules/.footfall-stamp now
  now=$(node --version; cat package.json "$manifest")
  now=$(printf '%s' "$now" | fingerprint)
  if [ "$(cat $stamp 2>/dev/null)" = "$now" ]; then return; fi
  # Browsers are Debian's or the machine's own, so that no package downloads one.
  PUPPETEER_SKIP_DOWNLOAD=1 PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 \
    slow "Installing the npm packages of $1/" "20 seconds" npm "$verb" --no-audit --no-fund
  # Read again: without a lock, npm has just written one.
  if [ -f package-lock.json ]; then manifest=package-lock.json; fi
  now=$(node --version; cat package.json "$manifest")
  printf '%s' "$now" | fingerprint >"$stamp"
}

have npm || die "npm is missing: run scripts/setup.sh system, or install Node.js 20 or newer"
if [ $# = 0 ]; then set -- npm tests/e2e; fi
for project in "$@"; do
  if [ -f "$ROOT/$project/package.json" ]; then (install "$project"); fi
done
