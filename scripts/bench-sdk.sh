#!/usr/bin/env bash
# `make bench-sdk`: what the browser SDK costs a page, beside the trackers that others offer on npm, in one run of one
# Chromium. Fails when a goal on a size or a ratio is missed, or when a peer does not run. `--quick` only tries that all
# of it runs; `--storage` compares two places for unsent batches instead.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

scripts/setup.sh system browser
scripts/setup/node.sh tests/bench-sdk
scripts/build-npm.sh
CHROME_PATH=$(find_browser)
export CHROME_PATH

# The npm package of umami is the whole server with hundreds of dependencies; only its script is of interest, so it is
# fetched alone, as package.json names it.
umami=umami@$(node -p 'require("./tests/bench-sdk/package.json").umami.version')
integrity=$(node -p 'require("./tests/bench-sdk/package.json").umami.integrity')

fetch_umami() {
  npm pack "$umami" --silent --pack-destination "$1" >/dev/null
  # shellcheck disable=SC2016 # the template is node's, not the shell's
  node -e 'const { createHash } = require("crypto");
    const [file, wanted] = process.argv.slice(1);
    const found = `sha512-${createHash("sha512").update(require("fs").readFileSync(file)).digest("base64")}`;
    if (found !== wanted) throw new Error(`tests/bench-sdk/package.json wants ${wanted}, this is ${found}`);' \
    "$1"/umami-*.tgz "$integrity"
  tar -xzf "$1"/umami-*.tgz -C "$1" package/package.json package/src/tracker/index.js
  rm "$1"/umami-*.tgz
}

if [ ! -e "$CACHE/$umami" ]; then
  slow "Fetching $umami" "10 seconds" filled_by "$CACHE/$umami" fetch_umami
fi
export UMAMI_PACKAGE=$CACHE/$umami/package

case ${1:-} in
--storage) exec node tests/bench-sdk/storage.mjs ;;
--quick) ;;
*) say "Measuring (about 5 minutes)" ;;
esac
exec node tests/bench-sdk/bench.mjs "$@"
