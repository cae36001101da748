# What can be done here: `make help`.

CARGO ?= cargo
# Extra arguments for `foghorn dev` (run), the tests (test) or the benchmarks (bench).
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test lint bench release services

help: ## Say what can be done here
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Build and start the demo: a broker, a mail outbox and a few incidents, nothing to configure
	$(CARGO) run --locked --profile demo --bin foghorn -- dev --demo $(ARGS)

test: services ## Start the services that are missing and run every test
	@CARGO="$(CARGO)" scripts/test $(ARGS)

lint: ## Format, clippy, documentation and dependencies, with warnings denied
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		$(CARGO) deny --offline check bans licenses sources; \
	else \
		echo "skipped: cargo-deny is not installed (cargo install --locked cargo-deny)"; \
	fi

bench: ## Measure what one notification costs in our own code, lists when a lot has happened, and each bus
	$(CARGO) bench --locked --bench hot_path -- $(ARGS)
	$(CARGO) bench --locked --bench large_store
	$(CARGO) bench --locked --bench buses

release: ## Build the binary to ship: target/release/foghorn
	$(CARGO) build --locked --release

# A service that cannot be had is no reason not to test the rest: its tests say that they are
# skipped, or fail where FOGHORN_REQUIRE_SERVICES is set.
services:
	@scripts/services up || true
