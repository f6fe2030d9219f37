#!/usr/bin/env bash
# A real Apache Kafka in CACHE/kafka-VERSION/, as jars from Maven Central. scripts/kafka.sh runs it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

fetch() {
  # Strict: a jar that does not match its checksum is refused.
  mvn --batch-mode --no-transfer-progress --strict-checksums -f "$ROOT/scripts/setup/kafka.pom.xml" \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$1"
}

java_version() { java -version 2>&1 | sed -n 's/.* version "\([0-9.]*\).*/\1/p'; }

missing=()
have java || missing+=(default-jre-headless)
have mvn || missing+=(maven)
if [ "${#missing[@]}" != 0 ]; then packages "Kafka" "${missing[@]}"; fi
at_least 17 "$(java_version)" || die "Kafka needs Java 17 or newer and this is $(java_version)"

dir=$(kafka_dir)
if [ -d "$dir" ]; then exit 0; fi
slow "Fetching Apache Kafka into $dir, 54 MB" "30 seconds" filled_by "$dir" fetch
