# The commands of this checkout. Each sets up what it needs first (tools/setup.sh); none asks a question.

BIN := .venv/bin
ARGS ?=
PYTEST_ARGS ?=

.PHONY: help install demo counter test test-vpcd conformance card check pictures bench bench-chip bench-sale bench-journal bench-script bench-trace torture mutants coverage lock clean

help:
	@echo 'make demo        sell one box of medicine over a private pcscd (ARGS="--loopback": without a reader)'
	@echo 'make counter     the counter in a browser, with virtual cards to play with, for practice (ARGS="--loopback": without PC/SC; ARGS="--kiosk": the kiosk)'
	@echo 'make test        run every test'
	@echo 'make test-vpcd   only the tests that go through pcscd and the virtual reader'
	@echo 'make conformance every clause of docs/spec/card.md that a test shows, and those that none shows'
	@echo 'make card        serve a demo card to the virtual reader (ARGS=...)'
	@echo 'make check       ruff, mypy, architecture'
	@echo 'make pictures    draw docs/pictures/counter anew, from the browser tests'
	@echo 'make bench       measure the transport against C and against vicc'
	@echo 'make bench-chip  measure the chip alone; make bench-sale: a whole sale'
	@echo 'make bench-journal  a journal of a million sales: start, look-up, close of the day (minutes)'
	@echo 'make bench-trace  words a second of recordings; a million exchanges exported (minutes)'
	@echo 'make bench-script  what a script costs: an APDU, the first line, reading it'
	@echo 'make torture     every fault of the card memory and of a sale, single and double; fuzzing; 1,000 kills (minutes)'
	@echo 'make mutants     break the memory and the account on purpose and count what the tests notice (minutes)'
	@echo 'make coverage    branch coverage of the same modules'
	@echo 'make install     only set up; make lock: pin the packages anew; make clean: remove what was made'

install:
	@tools/setup.sh

demo: install
	@$(BIN)/sscard demo $(ARGS)

counter: install
	@$(BIN)/sscard counter serve --practice --port 0 $(ARGS)

card: install
	@$(BIN)/sscard card serve $(ARGS)

test: install
	@$(BIN)/pytest $(PYTEST_ARGS)

test-vpcd: install
	@$(BIN)/pytest -m vpcd $(PYTEST_ARGS)

conformance: install
	@$(BIN)/pytest -q tests/conformance --clauses $(PYTEST_ARGS)

check: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q -n 0 tests/test_architecture.py

pictures: install
	@SSCARD_PICTURES=1 $(BIN)/pytest -q tests/browser $(PYTEST_ARGS)

bench: install
	@$(BIN)/python benchmarks/transport.py $(ARGS)

bench-chip: install
	@$(BIN)/python -m benchmarks.in_process $(ARGS)

bench-sale: install
	@$(BIN)/python -m benchmarks.sale $(ARGS)

bench-journal: install
	@$(BIN)/python -m benchmarks.journal $(ARGS)

bench-trace: install
	@$(BIN)/python -m benchmarks.trace $(ARGS)

bench-script: install
	@$(BIN)/python -m benchmarks.script $(ARGS)

torture: install
	@$(BIN)/python -m tests.torture $(ARGS)

mutants: install
	@$(BIN)/python tools/mutants.py $(ARGS)

coverage: install
	@tools/coverage.sh

# No header and no options in the lock: it names packages and hashes, never where they came from.
lock: install
	$(BIN)/pip-compile -q --no-config --generate-hashes --no-header --no-annotate --no-emit-index-url \
	    --no-emit-find-links --no-emit-trusted-host --no-emit-options --extra test --extra dev \
	    --strip-extras --allow-unsafe --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
