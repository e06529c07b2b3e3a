# newsmill. `make run` and `make test` need Python 3.11 or newer with venv, and nothing else.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip install --quiet --disable-pip-version-check --constraint deploy/constraints.txt
INPUTS := pyproject.toml deploy/constraints.txt
FEEDS  ?=
CONTACT ?=
DATA   ?= newsmill-data
TESTS  ?= tests
KAFKA  ?=
BUS     ?= file
SECONDS ?= 120
SEED    ?= 1
MINUTES ?= 30
CORPORA ?=
QUICK  ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint check fmt schemas lock sbom audit bench bench-extract chaos soak kafka kafka-stop clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## the whole pipeline: the sample newsroom, or FEEDS=my.opml CONTACT=me@site.org
	@$(VENV)/bin/newsmill run --data '$(DATA)' $(if $(FEEDS),--feeds '$(FEEDS)') $(if $(CONTACT),--contact '$(CONTACT)')

test: $(VENV)/.dev ## every test, with real parts; TESTS=tests/unit for some
	$(PY) -m pytest -n auto --dist loadgroup $(TESTS)

lint: $(VENV)/.dev ## format, lint, types, walls
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

check: lint test ## what CI runs

fmt: $(VENV)/.dev ## rewrite files the way lint wants them
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix-only .

schemas: $(VENV)/.dev ## draw schemas/ and docs/logs.md anew from the types
	$(PY) -m newsmill.process.catalogue

lock: $(VENV)/.dev ## refresh deploy/constraints.txt from pyproject.toml
	$(PY) -m uv pip compile --quiet --all-extras --universal --no-header --no-annotate pyproject.toml -o deploy/constraints.txt

build/requirements.txt: $(INPUTS) | $(VENV)/.dev  # what the image installs, pinned, with hashes
	@mkdir -p build
	@$(PY) -m uv pip compile --quiet --extra postgres --generate-hashes --no-header --no-annotate -c deploy/constraints.txt pyproject.toml -o $@

sbom: build/requirements.txt ## CycloneDX of what the image installs: build/newsmill.cdx.json
	@$(PY) -m uv tool run --quiet --from cyclonedx-bom cyclonedx-py requirements $< --pyproject pyproject.toml --output-reproducible -o build/newsmill.cdx.json
	@echo build/newsmill.cdx.json

audit: build/requirements.txt ## known vulnerabilities of what the image installs; fails where none can be asked for
	$(PY) -m uv tool run --quiet pip-audit --strict --disable-pip --requirement $<

bench: $(VENV)/.dev ## the bus: its rate, and its CPU beside extraction; KAFKA=HOST:PORT for Kafka too
	$(PY) benchmarks/bus_share.py $(if $(KAFKA),--kafka $(KAFKA))
	$(PY) benchmarks/bus_throughput.py $(if $(KAFKA),--kafka $(KAFKA))

bench-extract: $(VENV)/.dev ## our extractor beside others on CORPORA=DIR; QUICK=N for N pages of each
	@test -n '$(CORPORA)' || { echo "name the corpora: make bench-extract CORPORA=DIR" >&2; exit 2; }
	@$(PIP) --editable '.[bench]'
	$(PY) benchmarks/bench_extract.py '$(CORPORA)' $(if $(QUICK),--quick $(QUICK),--write docs/benchmarks.md)
	$(PY) -m pytest -q tests/quality/test_extractor_budgets.py

chaos: $(VENV)/.dev ## faults under a seed: BUS=file|kafka SECONDS=120 SEED=1 BROKERS=1|3 STORES=sqlite|both WORKERS=real|light; 0 only when exact
	@cd tests && ../$(PY) -m chaos.run --bus $(BUS) --seconds $(SECONDS) --seed $(SEED) --brokers $(or $(BROKERS),1) --stores $(or $(STORES),sqlite) --workers $(or $(WORKERS),real)

soak: $(VENV)/.dev ## half an hour on Kafka at 70 % of what this machine can do; MINUTES=30 KAFKA=HOST:PORT
	$(PY) benchmarks/soak.py --minutes $(MINUTES) $(if $(KAFKA),--kafka $(KAFKA))

kafka: $(VENV)/.dev ## start a local Kafka broker and leave it running; the last line is HOST:PORT
	@$(PY) deploy/kafka/broker.py start

kafka-stop: $(VENV)/.dev ## end it
	@$(PY) deploy/kafka/broker.py stop

clean: ## forget the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# One environment in two steps: .run is enough to run, .dev adds the tools. A stamp is younger than
# its inputs or it is rebuilt; a half-made environment (no pip in it) is made again from nothing.
$(VENV)/.run: $(INPUTS)
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(PIP) --editable '.[dev]'
	@touch $@
