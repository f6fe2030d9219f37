#!/usr/bin/env bash
# A real Apache Kafka in CACHE/kafka-VERSION/, as jars from Maven Central. scripts/kafka.sh runs it. Beside it lie its
# classes as Java maps them into memory, with which it starts in half the time.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

fetch() {
  # Strict: a jar that does not match its checksum is refused.
  mvn --batch-mode --no-transfer-progress --strict-checksums -f "$ROOT/scripts/setup/kafka.pom.xml" \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$1"
}

# What a broker loads while it starts, written down by Java when it ends.
map_classes() {
  local into=$1 dir port=$((20000 + RANDOM % 10000)) broker started=$SECONDS
  dir=$(mktemp -d "$into.partial.XXXXXX")
  KAFKA_MAP_CLASSES=$dir/classes.jsa "$ROOT/scripts/kafka.sh" run --dir "$dir" --port "$port" --short-lived >"$dir/log" 2>&1 &
  broker=$!
  until grep -q "Kafka Server started" "$dir/log"; do
    kill -0 "$broker" 2>/dev/null && [ $((SECONDS - started)) -le 60 ] || break
    sleep 0.1
  done
  kill "$broker" 2>/dev/null || true
  wait "$broker" || true
  # Nothing depends on it: without it a broker starts as slowly as it did.
  if [ -s "$dir/classes.jsa" ]; then mv "$dir/classes.jsa" "$into"; fi
  rm -rf "$dir"
}

java_version() { java -version 2>&1 | sed -n 's/.* version "\([0-9.]*\).*/\1/p'; }

missing=()
have java || missing+=(default-jre-headless)
have mvn || missing+=(maven)
if [ "${#missing[@]}" != 0 ]; then packages "Kafka" "${missing[@]}"; fi
classes=$(kafka_classes)
# Set while the broker runs whose classes are mapped.
if [ -n "${KAFKA_MAP_CLASSES:-}" ] || { [ -n "$classes" ] && [ -f "$classes" ]; }; then exit 0; fi
at_least 17 "$(java_version)" || die "Kafka needs Java 17 or newer and this is $(java_version)"

dir=$(kafka_dir)
[ -d "$dir" ] || slow "Fetching Apache Kafka into $dir, 54 MB" "30 seconds" filled_by "$dir" fetch
[ -z "$classes" ] || slow "Mapping Kafka's classes into $classes" "5 seconds" map_classes "$classes"
