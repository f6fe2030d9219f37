# A thin index over scripts/: what can be done here, a line each. Each target sets up what it lacks.
.DEFAULT_GOAL := help
.PHONY: help demo release test e2e loss faults oidc fuzz bench bench-idle bench-journal bench-guarantees profile soak bench-sdk sizes kafka setup lint audit fmt clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## build everything, run the forum and the server, and say which address to open [KAFKA=host:port]
	@scripts/demo.sh

release: ## build the server as it is released, by a profile of what it does under load; about 25 minutes
	@scripts/build-release.sh

test: ## run every test, the browser and Kafka ones included
	@scripts/test.sh

e2e: ## run only the tests that need a browser and a Kafka
	@scripts/e2e.sh

loss: ## count what is lost or stored twice when pages go, in each browser engine; about 45 minutes
	@scripts/loss.sh

faults: ## hurt brokers, disks and processes, and count what was acknowledged; about 30 minutes
	@scripts/faults.sh

oidc: ## sign in to a real Kafka with the tokens of an OpenID Connect provider; builds with the feature `oidc`
	@scripts/oidc.sh

fuzz: ## fuzz all that reads bytes from outside, a minute each [ARGS="--seconds 600 body"]
	@scripts/fuzz.sh $(ARGS)

bench: ## measure the server against a real Kafka, beside a bare producer
	@scripts/bench.sh

bench-idle: ## measure what a server takes of memory that has nothing to do, also with 10,000 connections
	@scripts/bench-idle.sh

bench-journal: ## measure what the journal takes, and how fast it goes to a Kafka that is back
	@scripts/bench-journal.sh

bench-guarantees: ## measure what each kafka.guarantee costs
	@scripts/bench-guarantees.sh

soak: ## load a server for 20 minutes with a broker that is killed in the middle, and account for every event
	@scripts/soak.sh

profile: ## say where the server's time goes under the bench's load (needs perf)
	@scripts/bench.sh --profile

bench-sdk: ## measure what the SDK costs a page, beside the trackers that others offer on npm
	@scripts/bench-sdk.sh

sizes: ## print what the SDK costs a visitor; fails above the budget
	@scripts/sizes.sh

kafka: ## run an Apache Kafka on 127.0.0.1 [PORT=9092]
	@scripts/kafka.sh start

setup: ## install and build what this machine lacks
	@scripts/setup.sh

lint: ## check the format and the lints of Rust, TypeScript and shell
	@scripts/lint.sh

audit: ## look for known vulnerabilities of the crates; needs GitHub, where RustSec's list is
	@"$$(scripts/setup/deny.sh)" check advisories

fmt: ## format the Rust code
	@cargo fmt

clean: ## delete what was built here; what setup fetched is kept for the next time
	@rm -rf target npm/dist tests/artefacts
