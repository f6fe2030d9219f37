#!/usr/bin/env bash
# `make faults`: brokers, disks and processes that are hurt in every way that is known here, each against a real Kafka,
# with what was acknowledged counted against the topic and the journal. Prints a table; fails if anything is lost, out of
# order, stored twice without being counted, or kept waiting for 3 s, or if readiness was wrong for longer than that. About 30
# minutes. `--quick` runs what `make test` runs: a short form of each, once more where somebody waited for 3 s and nothing else
# was wrong; other arguments are parts of the names of the rows to run, for example: scripts/faults.sh "disk full" truncated
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

scripts/setup.sh system kafka
case ${1:-} in
  --quick) set -- ;;
  "") set -- --all ;;
esac
exec cargo test --quiet -p footfall-event-model -p footfall-ingest-server -p footfall-delivery --test faults -- "$@"
