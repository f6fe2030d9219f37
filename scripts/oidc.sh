#!/usr/bin/env bash
# `make oidc`: signs in to a real Kafka with the tokens of an OpenID Connect provider, in the build that can do so. That has
# curl in it and a librdkafka made by cmake, which `make test` would compile beside the one that everything else uses: the
# first time about 5 minutes.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

scripts/setup.sh system kafka
have cmake || packages "building librdkafka with curl" cmake
# Of the whole workspace, so that what else it needs is what other tests have compiled.
exec cargo test --workspace --features footfall-delivery/oidc --test with_kafka -- oidc "$@"
