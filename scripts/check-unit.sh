#!/usr/bin/env bash
# Holds the systemd unit to what systemd itself says of it: that it can be read, and that little is exposed.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

have systemd-analyze || { note "systemd-analyze is not here; the unit is not checked" && exit 0; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/footfall-unit.XXXXXX")
trap 'rm -rf "$dir"' EXIT
# The program need not be installed for that.
sed 's#^ExecStart=/usr/bin/footfall#ExecStart=/bin/true#' "$ROOT/packaging/footfall.service" >"$dir/footfall.service"
said=$(systemd-analyze verify --man=no "$dir/footfall.service" 2>&1) || { note "$said" && exit 1; }
[ -z "$said" ] || { note "$said" && exit 1; }
# 0 is nothing exposed, 100 everything; a unit without a word on it has 96.
systemd-analyze security --offline=true --threshold=20 --no-pager "$dir/footfall.service" >"$dir/said" ||
  { cat "$dir/said" >&2 && exit 1; }
