#!/usr/bin/env bash
# Runs the schema registry that setup/schema-registry.sh fetched, with all it knows in memory.
#
#   schema-registry.sh PORT [LOG]
#       Stays in the foreground and becomes the registry's own process, so that whoever started it stops it by its
#       process id. It is there once http://127.0.0.1:PORT/apis/ccompat/v7/subjects answers: Confluent's API.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

if ! is_port "${1:-}"; then
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2
  exit 2
fi
dir=$(apicurio_dir)
[ -d "$dir" ] || "$ROOT/scripts/setup.sh" schema-registry
if [ -n "${2:-}" ]; then exec >>"$2" 2>&1; fi
# It reads settings from where it runs.
cd "$dir"
exec java -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dquarkus.http.host=127.0.0.1 "-Dquarkus.http.port=$1" \
  -jar "apicurio-registry-app-$APICURIO_VERSION-runner.jar"
