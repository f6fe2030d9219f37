#!/usr/bin/env bash
# A Chromium or Chrome for the tests that need a real browser: the one that CHROME_PATH names, else one that
# is installed, else Debian's.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

if find_browser >/dev/null; then exit 0; fi
is_debian_root || die "a browser is missing: install Chromium or Google Chrome, or set CHROME_PATH to one"
packages "the browser tests" chromium
find_browser >/dev/null || die "Debian's chromium package brought no chromium command"
