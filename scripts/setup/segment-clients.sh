#!/usr/bin/env bash
# Segment's clients for Node, the browser, Python and Go, each as its lock says: package-lock.json,
# requirements.txt (with hashes) and go.sum in tests/segment.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

clients=$ROOT/tests/segment

# Debian keeps venv apart from Python.
python3 -c 'import ensurepip, venv' 2>/dev/null || packages "Segment's client for Python" python3 python3-venv
have go || packages "Segment's client for Go" golang-go

"$ROOT/scripts/setup/node.sh" tests/e2e tests/segment

fill_venv() {
  python3 -m venv "$1" &&
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
      -r "$clients/requirements.txt"
}
# Not moved into its place when it is complete, as other things are: a venv knows its own path.
venv=$(dirname "$(dirname "$(segment_python)")")
if [ ! -e "$venv/complete" ]; then
  rm -rf "$venv"
  mkdir -p "$(dirname "$venv")"
  slow "Installing Segment's client for Python" "10 seconds" fill_venv "$venv"
  touch "$venv/complete"
fi

modules=$(go env GOMODCACHE)/github.com/segmentio/analytics-go
if [ ! -e "$modules" ]; then
  slow "Fetching Segment's client for Go" "5 seconds" env -C "$clients/go" go mod download
fi
