#!/usr/bin/env bash
# Redis: several servers are tested that share through a real one. Tests start their own; a service that the package
# starts is not used.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

missing=()
have redis-server || missing+=(redis-server)
have redis-cli || missing+=(redis-tools)
if [ "${#missing[@]}" != 0 ]; then packages "tests of several servers" "${missing[@]}"; fi
