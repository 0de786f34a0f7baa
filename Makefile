# Everything a newcomer, CI and the maintainers run. Each target does its own set-up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test check systems real soak bench wheel clean

help: ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $(STAMP)

demo: $(STAMP) ## an invented twelve-week programme, end to end, into demo/
	$(BIN)/itpm-sync demo --out demo

test: $(STAMP) ## unit, contract and flow tests; offline
	$(BIN)/python -m pytest -n 2 -q

check: $(STAMP) ## lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

systems: $(STAMP) ## installs and starts real servers (Request Tracker, PostgreSQL) and tests against them
	ITPM_SYSTEMS=1 $(BIN)/python -m pytest -q -m systems

bench: $(STAMP) ## speed and memory beside the floor and other programs; writes benchmarks/README.md
	$(BIN)/python -m benchmarks.bench

soak: $(STAMP) ## thousands of invented histories with faults, and 200 kill -9; an hour or two (ITPM_SOAK_EXAMPLES=200: minutes)
	ITPM_SOAK_EXAMPLES=$${ITPM_SOAK_EXAMPLES:-2000} $(BIN)/python -m pytest -n 2 --dist worksteal -q tests/soak \
		tests/pull tests/test_mapping_fuzz.py tests/config tests/connectors/files tests/plan_files

real: $(STAMP) ## real data: 29,057 Jira issues, 2,472 projects, 20,769 incidents, 291 procurement releases
	ITPM_REAL=1 $(BIN)/python -m pytest -q -m real

wheel: $(STAMP) ## builds the wheel and tests it outside the checkout
	bash tests/wheel.sh

clean: ## removes what make made
	rm -rf $(VENV) demo build dist .systems .real .bench .mypy_cache .pytest_cache .ruff_cache .hypothesis
