#!/usr/bin/env bash
# `make loss`: what is lost and what is stored twice when a page goes or the network breaks, in each engine, counted in
# the journal. Arguments go to tests/loss/matrix.mjs: [--runs 50] [--workers 4] [--cells "tab close, reload"].
# BROWSER_ENGINES="chromium firefox webkit" narrows the engines. All of it takes about 45 minutes on two cores.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

scripts/setup.sh system browser node
scripts/build-npm.sh
say "Building the server"
cargo build -p footfall-ingest-server

say "Measuring"
exec node tests/loss/matrix.mjs "$@"
