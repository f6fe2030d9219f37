#!/usr/bin/env bash
# Segment's own clients against a real server: scripts/segment-clients.sh. What they need is set up first; the server
# must have been built.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

"$ROOT/scripts/setup.sh" segment-clients browser
SEGMENT_PYTHON=$(segment_python)
export SEGMENT_PYTHON
npm --prefix "$ROOT/tests/segment" run --silent test
