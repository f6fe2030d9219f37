#!/usr/bin/env bash
# nginx with its stream module: the server is tested behind a real reverse proxy.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# Where the package puts it may not be in an ordinary user's PATH.
PATH=$PATH:/usr/sbin
missing=()
have nginx || missing+=(nginx)
[ -f /usr/lib/nginx/modules/ngx_stream_module.so ] || missing+=(libnginx-mod-stream)
if [ "${#missing[@]}" != 0 ]; then packages "tests behind a proxy" "${missing[@]}"; fi
