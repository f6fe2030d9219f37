#!/usr/bin/env bash
# A database of countries in the public domain (CC0), from npm, in CACHE/geo/: for the demo and the tests.
# A newer one: name its version and checksum here.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

PACKAGE=@ip-location-db/geo-whois-asn-country-mmdb@2.3.2026061719
SHA256=91757a1b06cdcd1955f292e4c4cfc54e091204f998e159a3187f7a2ef3724be0

fetch() {
  npm pack --silent --pack-destination "$1" "$PACKAGE"
  echo "$SHA256  $(echo "$1"/*.tgz)" | sha256sum --check --quiet
  tar -xzf "$1"/*.tgz -C "$1" --strip-components 1 package/geo-whois-asn-country.mmdb package/NRO_LICENSE
  rm "$1"/*.tgz
  echo "$SHA256" >"$1/stamp"
}

dir=$CACHE/geo
if [ "$(cat "$dir/stamp" 2>/dev/null)" = "$SHA256" ]; then exit 0; fi
have npm || die "npm is missing: run scripts/setup.sh system, or install Node.js 20 or newer"
slow "Fetching a database of countries into $dir, 8 MB" "5 seconds" filled_by "$dir" fetch
