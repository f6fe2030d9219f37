#!/usr/bin/env bash
# MaxMind's test databases (sound and broken ones), in CACHE/geo-test/: they come with the source of the Python
# package `maxminddb`.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

VERSION=3.2.0
SHA256=d28e0073fd1dd637c8b95947bc864b5625eca9f8f2db1538145e33b2a1cd4b92

fetch() {
  echo "maxminddb==$VERSION --hash=sha256:$SHA256" >"$1/requirements.txt"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --require-hashes \
    --dest "$1" -r "$1/requirements.txt"
  tar -xzf "$1/maxminddb-$VERSION.tar.gz" -C "$1" --strip-components 4 "maxminddb-$VERSION/tests/data/test-data"
  rm "$1/maxminddb-$VERSION.tar.gz" "$1/requirements.txt"
  echo "$SHA256" >"$1/stamp"
}

dir=$CACHE/geo-test
if [ "$(cat "$dir/stamp" 2>/dev/null)" = "$SHA256" ]; then exit 0; fi
python3 -m pip --version >/dev/null 2>&1 || packages "MaxMind's test databases" python3 python3-pip
slow "Fetching MaxMind's test databases into $dir, 1 MB" "10 seconds" filled_by "$dir" fetch
