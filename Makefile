# `make demo` and `make test` do all set-up by themselves and can be repeated; `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUST := $(shell find native -path native/fuzz -prune -o \( -name '*.rs' -o -name 'Cargo.toml' \) -print 2>/dev/null)

.PHONY: help setup system demo lint test test-editors vsix check map bench parity attacks saving spending killing sweeping longer replays nightly fuzz miri injection racing sbom walking typing conversing readers clean
help:  ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

system:
	@test -e $(STAMP) || echo 'setup: looks for git, bubblewrap, a C compiler, Python and Rust (seconds; a minute where some are installed)'
	@.ci/system

setup: system $(STAMP)  ## Build and install into .venv

$(STAMP): requirements.lock pyproject.toml Cargo.toml Cargo.lock $(RUST)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'setup: installs Python packages into $(VENV) (a minute, as fast as the network is)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@echo 'setup: compiles the Rust crates (2 to 10 minutes the first time, later what has changed)'
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
	@echo 'setup: done'

demo: setup  ## The main job on a sample workspace, no key needed
	$(BIN)/wainwright demo demo-workspace

# In the order of the files: what takes long and is one test is not left for the end, where a worker would be alone with it.
test: setup  ## All tests, as CI runs them
	$(BIN)/python -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder -m 'not nightly and not editor'

vsix: setup  ## The VS Code extension, with the panel and a server: wainwright.vsix
	.ci/vsix wainwright.vsix

test-editors: setup  ## The same story in real editors, which are installed below ~/.cache/wainwright-editors; ONLY='vscode or panel'
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m 'editor and not nightly' $(if $(ONLY),-k '$(ONLY)') tests/clients

lint: setup  ## Format, lint, layers, types, crates
	$(BIN)/ruff format --check server tests
	$(BIN)/ruff check server tests
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest wainwright._native
	cargo fmt --check
	rustfmt --edition 2024 --check native/fuzz/fuzz_targets/*.rs
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	cargo test --workspace --quiet
	PYTHONPATH=server $(BIN)/python -m tests.supply

sbom: setup  ## What the project is made of, as CycloneDX: SBOM=sbom.cdx.json
	PYTHONPATH=server $(BIN)/python -m tests.supply --sbom '$(SBOM)'

check: lint test  ## Everything: lint, then test

map: setup  ## Which file uses which: levels and circles, Python and Rust
	PYTHONPATH=server $(BIN)/python -m tests.map

bench: setup  ## Figures beside public tools; ROWS=diff,index CORPUS=dir QUICK=1
	PYTHONPATH=server $(BIN)/python -m tests.bench $(if $(ROWS),--rows $(ROWS)) $(if $(CORPUS),--corpus '$(CORPUS)') $(if $(QUICK),--quick)

parity: setup  ## What tests say inside beside outside, in made workspaces; ONLY=jest,maven JSON=file
	PYTHONPATH=server $(BIN)/python -m tests.parity $(if $(ONLY),--only $(ONLY)) $(if $(JSON),--json '$(JSON)')

attacks: setup  ## What attacks the product, by group and kind; where you are root, as an ordinary user too
	PYTHONPATH=.:server $(BIN)/python -m tests.attack

SBOM := sbom.cdx.json
TRIALS := 2000
TRIES := 60000
SEED := 1
saving: setup  ## Another program saves while files are written; TRIALS=2000 SEED=1
	$(BIN)/python -m tests.crash.saving --trials $(TRIALS) --seed $(SEED)

racing: setup  ## Files and folders are exchanged while they are read, written and removed; TRIES=60000
	PYTHONPATH=server $(BIN)/python -m tests.attack.racing --tries $(TRIES)

spending: setup  ## Eight tasks spend the last cent of a run at once; TRIALS=2000 SEED=1
	PYTHONPATH=server $(BIN)/python -m tests.crash.spending --trials $(TRIALS) --seed $(SEED)

KILLED := 300
killing: setup  ## A run, its server or its gateway is killed at random times; KILLED=300 SEED=1
	PYTHONPATH=server $(BIN)/python -m tests.crash.killing --trials $(KILLED) --seed $(SEED)

STRIDE := 1
sweeping: setup  ## A run, its server or its gateway is killed at each write to the journal, an hour or more; STRIDE=1
	PYTHONPATH=server $(BIN)/python -m tests.crash.sweeping --stride $(STRIDE)

longer: setup  ## All scenarios, and all tests that are much like another and take long
	SCENARIOS=all $(BIN)/python -m pytest -q -n 3 tests/test_scenarios.py tests/unit/engine/delivered/test_why.py
	$(BIN)/python -m pytest -q -n 2 -m nightly

replays: setup  ## The run of every scenario, done again from its record and with memory thrown away at every step
	REPLAYS=all $(BIN)/python -m pytest -q tests/test_replays.py

injection: setup  ## Instructions in what models read, from each carrier on the weak build too
	ATTACKS=all INJECTION=all $(BIN)/python -m pytest -q tests/attack/test_i_injection.py

WALKS := 3000
walking:  setup  ## Runs that go whatever way chance leads them; WALKS=3000
	WALKS=$(WALKS) $(BIN)/python -m pytest -q --timeout 3600 tests/unit/domain/test_journeys.py -k no_walk_gets_lost

INTERLEAVINGS := 10000
typing: setup  ## Somebody types while edits come, in editors of every habit; INTERLEAVINGS=10000 SEED=1
	INTERLEAVINGS=$(INTERLEAVINGS) SEED=$(SEED) $(BIN)/python -m pytest -q -s -n 0 --timeout 7200 tests/e2e/test_interleaving.py

conversing: setup  ## 200 conversations with the server one after the other, and ten minutes in which nobody says anything
	SESSIONS=200 IDLE_S=600 $(BIN)/python -m pytest -q --timeout 3600 tests/attack/test_l_front.py -k 'L4.12 or L4.13'

nightly: setup  ## What takes longer than a check, each part whatever became of the others: what is left out of it, replays, attacks, injection, saves during writes, races for paths, spending at the cap, kills at random times and at each write, typing while edits come, conversations, readers, bench, parity, and with a nightly compiler fuzz and miri
	failed=; parts=(longer test-editors replays attacks injection saving racing 'spending TRIALS=10000' killing sweeping walking typing conversing readers 'bench QUICK=1' parity); \
	if cargo +nightly --version >/dev/null 2>&1; then parts+=(fuzz miri); else echo 'fuzz and miri are left out: no nightly compiler'; fi; \
	for part in "$${parts[@]}"; do $(MAKE) $$part || failed="$$failed, $${part%% *}"; done; \
	test -z "$$failed" || { echo "nightly: not as it should be: $${failed#, }"; exit 1; }

SECONDS := 60
TARGETS := outline mutants index store diff apply fsops trees rank
# Scanners of grammars are in C: an address out of bounds shows there too. That of SQL loses a few bytes a tag of a `$tag$`
# string, which is no reason to stop.
fuzz: export CFLAGS += -fsanitize=address
fuzz: export CXXFLAGS += -fsanitize=address
fuzz: export ASAN_OPTIONS := detect_leaks=0
fuzz:  ## Any input for the native crates; SECONDS=60 each, TARGETS="apply diff"
	@cargo +nightly --version >/dev/null 2>&1 || { echo 'a nightly compiler is missing: rustup toolchain install nightly'; exit 1; }
	@cargo +nightly fuzz --version >/dev/null 2>&1 || { echo 'cargo-fuzz is missing: cargo install cargo-fuzz --locked'; exit 1; }
	set -e; for target in $(TARGETS); do \
		cargo +nightly fuzz run --fuzz-dir native/fuzz $$target -- \
			-max_total_time=$(SECONDS) -max_len=1024 -len_control=0 -timeout=30 -rss_limit_mb=4096; \
	done

READERS := framing reply plan called
readers: setup  ## Any input for what reads the wire and models' answers; SECONDS=60 each, READERS="framing"
	@$(BIN)/python -c 'import atheris' 2>/dev/null || { echo 'atheris is missing: $(BIN)/python -m pip install atheris==3.0.0'; exit 1; }
	set -e; for reader in $(READERS); do \
		PYTHONPATH=server $(BIN)/python -m tests.fuzz $$reader \
			-max_total_time=$(SECONDS) -max_len=4096 -timeout=30 -rss_limit_mb=4096; \
	done

# What calls no C and no system call of its own: Miri can run neither.
miri: export MIRIFLAGS := -Zmiri-disable-isolation
miri: export PROPTEST_CASES := 1
miri:  ## The pure parts of the native crates, interpreted
	@cargo +nightly miri --version >/dev/null 2>&1 || { echo 'Miri is missing: rustup toolchain install nightly --component miri,rust-src'; exit 1; }
	cargo +nightly miri test -p wainwright-diff --lib -- --skip apply
	cargo +nightly miri test -p wainwright-indexer --lib -- bytes:: lexicon:: prefilter:: subwords:: resolve:: traits:: rank::model rank::role rank::words
	cargo +nightly miri test -p wainwright-fsops --lib -- tree::items::tests::a_folder_is_read tree::items::tests::no_bytes values::tests::a_hash write_log::record::tests::a_record_is_read

clean:  ## Remove what was built
	rm -rf $(VENV) target demo-workspace
