#!/usr/bin/env bash
# The engines that the browser tests run in. Chromium or Chrome is needed: the one that CHROME_PATH names, else one
# that is installed, else Debian's. Firefox and WebKitGTK are added where this can be done (Debian, as root);
# elsewhere their tests are skipped until someone installs them or names them by FIREFOX_PATH, WEBKIT_DRIVER_PATH.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

missing=()
find_browser >/dev/null || missing+=(chromium)
[ -n "${FIREFOX_PATH:-}" ] || have firefox-esr || have firefox || missing+=(firefox-esr)
# MiniBrowser comes with the library that the driver is built on; it has no mode without a display.
[ -n "${WEBKIT_DRIVER_PATH:-}" ] || have WebKitWebDriver || missing+=(webkit2gtk-driver)
have Xvfb || missing+=(xvfb)
if [ "${#missing[@]}" = 0 ]; then exit 0; fi

if is_debian_root; then
  packages "the browser tests" "${missing[@]}"
elif find_browser >/dev/null; then
  note "Not all engines of the browser tests are here; those of the missing ones are skipped: ${missing[*]}"
else
  die "a browser is missing: install Chromium or Google Chrome, or set CHROME_PATH to one"
fi
find_browser >/dev/null || die "Debian's chromium package brought no chromium command"
