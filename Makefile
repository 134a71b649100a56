# `make demo` and `make test` do all set-up by themselves and can be repeated; `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUST := $(shell find native -name '*.rs' -o -name 'Cargo.toml' 2>/dev/null)

.PHONY: help setup system demo lint test check bench clean
help:  ## List what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

system:
	@.ci/system

setup: system $(STAMP)  ## Build and install into .venv

$(STAMP): requirements.lock pyproject.toml Cargo.toml Cargo.lock $(RUST)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: setup  ## The main job on a sample workspace, no key needed
	$(BIN)/wainwright demo demo-workspace

test: setup  ## All tests, as CI runs them
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

lint: setup  ## Format, lint, layers, types, crates
	$(BIN)/ruff format --check server tests
	$(BIN)/ruff check server tests
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest wainwright._native
	cargo fmt --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	cargo test --workspace --quiet

check: lint test  ## Everything: lint, then test

bench: setup  ## Figures beside public tools; ROWS=diff,index CORPUS=dir QUICK=1
	PYTHONPATH=server $(BIN)/python -m tests.bench $(if $(ROWS),--rows $(ROWS)) $(if $(CORPUS),--corpus '$(CORPUS)') $(if $(QUICK),--quick)

clean:  ## Remove what was built
	rm -rf $(VENV) target demo-workspace
