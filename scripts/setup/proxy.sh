#!/usr/bin/env bash
# nginx, which the tests put in front of the server. Debian starts none by itself here: each test runs its own.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

have nginx || [ -x /usr/sbin/nginx ] || packages "the tests behind a proxy" nginx-light
