# Exeat. `make help` lists what there is; everything installs into .venv and nowhere else.
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
PYTEST := $(PY) -m pytest
ROOMS := runtime identity masking usage audit snapshot approvals authz extproc console
.DEFAULT_GOAL := help
.PHONY: help setup-run setup-demo setup-dev demo up test test-more tools test-agents test-pair check format docs proto lock sbom audit bench bench-peers fault leak leak-long fuzz clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup-run setup-demo setup-dev:
	@$(PYTHON) tools/setup.py $(@:setup-%=%) $(VENV)

demo: setup-demo ## run the main job once, end to end, and say what was seen
	@$(VENV)/bin/exeat demo

up: setup-run ## run the gateway until stopped (development house without an exeat.toml)
	@$(VENV)/bin/exeat up

test: setup-dev ## all tests that need Python and make alone
	$(PY) tools/tests.py

test-more: setup-dev ## tests that may use apt, npm or Go
	$(PYTHON) tools/more.py $(PY)

tools: ## what test-more uses beside Python, pinned, into build/: an OPA server and more (Go, npm)
	$(PYTHON) tools/more.py

test-agents: setup-dev ## the agent SDKs through the gateway, in an environment of their own
	$(PYTHON) tools/agents.py $(PY)

test-pair: setup-dev ## two whole gateways on one PostgreSQL; on a quiet machine, two minutes
	$(PYTEST) -m pair tests/more/test_two_gateways.py

check: setup-dev ## format, lint, types, imports, policies, packages, docs
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy $(ROOMS:%=-p %)
	$(VENV)/bin/lint-imports
	$(VENV)/bin/exeat policy check policies
	$(VENV)/bin/exeat policy test policies
	$(PY) tools/packages.py check
	$(PY) tools/packages.py sbom
	$(PYTEST) tests/docs

sbom: setup-dev ## the bill of materials, CycloneDX: build/exeat.cdx.json
	$(PY) tools/packages.py sbom

audit: ## ask the vulnerability database about every locked package (network)
	$(PYTHON) tools/vulnerabilities.py

format: setup-dev ## write the format that check wants
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

proto: setup-dev ## generate the gRPC stubs again
	$(PY) tools/proto.py

docs: setup-dev ## write the reference pages again
	$(PY) tools/reference.py

lock: ## pin again (needs uv)
	cd requirements && sh lock.sh

bench: setup-dev ## ratios in one run; see docs/performance.md
	$(PY) -m bench

bench-peers: setup-dev ## the same beside Presidio and LiteLLM, in an environment of their own
	$(PYTHON) tools/peers.py $(PY)

FAULTS ?= 86
fault: setup-dev ## every fault of every part, alone and in pairs, under traffic; FAULTS=86, SEED=20261129
	$(PYTEST) tests/fault --faults $(FAULTS) $(if $(SEED),--fault-seed $(SEED))

leak: setup-dev ## bytes that leak when every format is cut everywhere, through the running gateway
	$(PY) -m bench.leak

leak-long: setup-dev ## the same with every single cut and many more: the release gate
	$(PY) -m bench.leak --effort long

fuzz: setup-dev ## random hostile input for the masking library, and new input for the property tests
	$(PY) -m tests.fuzz_masking
	$(PYTEST) tests/property --hypothesis-profile search

clean: ## remove what was built and run here
	rm -rf .venv build state run *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
