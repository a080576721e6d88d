# Every target sets up what it needs; a second run starts in seconds.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --quiet -c constraints.txt
# Small models run fastest with one torch thread per process.
TEST_PROCESSES ?= 2

.PHONY: setup report test check bench clean
.DEFAULT_GOAL := test

setup: .venv/ready
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) torch
	$(PIP) -e '.[test,dask]'
	touch $@

report: setup
	$(BIN)/leadline report

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports

test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_PROCESSES)

.venv/ready-bench: .venv/ready
	$(PIP) '.[bench]'
	touch $@
bench: .venv/ready-bench
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv report .pytest_cache .ruff_cache .hypothesis .import_linter_cache build src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
