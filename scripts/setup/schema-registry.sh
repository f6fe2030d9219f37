#!/usr/bin/env bash
# A real schema registry, Apicurio, in CACHE/apicurio-VERSION/, from Maven Central, for the tests of Avro and Protobuf.
# scripts/schema-registry.sh runs it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

fetch() {
  # Strict: what does not match its checksum is refused. This version of the plugin takes the one file alone; later ones
  # want the parents of its description too.
  mvn --batch-mode --no-transfer-progress --strict-checksums \
    org.apache.maven.plugins:maven-dependency-plugin:2.8:copy \
    "-Dartifact=io.apicurio:apicurio-registry-app:$APICURIO_VERSION:tar.gz:all" -DoutputDirectory="$1/packed"
  tar -xzf "$1"/packed/*.tar.gz -C "$1"
  rm -r "$1/packed"
  [ -f "$1/apicurio-registry-app-$APICURIO_VERSION-runner.jar" ]
}

java_version() { java -version 2>&1 | sed -n 's/.* version "\([0-9.]*\).*/\1/p'; }

missing=()
have java || missing+=(default-jre-headless)
have mvn || missing+=(maven)
if [ "${#missing[@]}" != 0 ]; then packages "the schema registry" "${missing[@]}"; fi
at_least 17 "$(java_version)" || die "the schema registry needs Java 17 or newer and this is $(java_version)"

dir=$(apicurio_dir)
if [ -d "$dir" ]; then exit 0; fi
slow "Fetching a schema registry, Apicurio $APICURIO_VERSION, into $dir, 109 MB" "30 seconds" filled_by "$dir" fetch
