# Everything a person types. Needs GNU make and a POSIX shell; Python is found by scripts/setup.

SHELL := /bin/sh
PYTHON := .venv/bin/python
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header pyproject.toml

# Tests on a real server mostly wait, so three processes share two cores; each has its own server.
# tests/conftest.py says which file is first. A process that dies is not replaced: the new one would
# wait for ever. For one process and what tests print: ARGS='-n0 -s ...'.
TESTS := -m pytest -n 3 --dist loadfile --no-loadscope-reorder --max-worker-restart 0 --durations 15

# One kind of set-up for all goals of one call, so that `make -j demo check` builds once.
KIND := $(if $(filter check test soak bench,$(MAKECMDGOALS)),test,run)

.DEFAULT_GOAL := help
.PHONY: help setup demo stack worker test check soak bench replay lock clean clean-data

help:
	@echo 'Braid: AI business processes as durable, parallel workflows on Temporal.'
	@echo
	@echo 'Start here:'
	@echo '  make demo         run a due diligence case on a real Temporal server, decided by a person'
	@echo "  make demo ARGS='--crash'"
	@echo '                    the same, with worker and server killed half way and started again'
	@echo '  make stack        server, UI, simulator and worker in the foreground; Ctrl-C ends it'
	@echo '  make worker       a worker of its own, for a Temporal service named by TEMPORAL_ADDRESS'
	@echo
	@echo 'For working on Braid:'
	@echo '  make check        style, types, import contracts, tests without a server (under a minute)'
	@echo '  make test         check, then the tests on a real server'
	@echo '  make soak         all tests, in their long forms'
	@echo "  make bench        what a step costs, beside Temporal by hand; some of it: ARGS='W2 W3'"
	@echo '  make replay       replay all recorded histories; ARGS=--all: every case of the service, before a deploy'
	@echo '  make lock         bring locks/*.txt in line with pyproject.toml (needs uv); ARGS=--upgrade renews'
	@echo
	@echo 'Keeping house:'
	@echo '  make setup        make .venv from locks/run.txt (the others do it themselves)'
	@echo '  make clean        remove .venv and caches; cases and results stay'
	@echo '  make clean-data   remove .braid: every case, result and log of this clone'
	@echo
	@echo 'After make setup:   .venv/bin/python starter.py --help'
	@echo 'Another Python:     BRAID_PYTHON=/path/to/python make setup'

setup:
	@scripts/setup $(KIND)

demo: setup
	@$(PYTHON) starter.py demo $(ARGS)

stack: setup
	@$(PYTHON) starter.py stack $(ARGS)

worker: setup
	@$(PYTHON) worker.py $(ARGS)

check: setup
	@$(PYTHON) scripts/check.py

test: check
	@$(PYTHON) $(TESTS) -m server $(ARGS)

soak: setup
	@BRAID_SOAK=1 $(PYTHON) $(TESTS) -o faulthandler_timeout=2400 $(ARGS)

bench: setup
	@$(PYTHON) -m bench.speed $(ARGS)

replay: setup
	@$(PYTHON) starter.py replay $(or $(ARGS),tests/replay --all)

lock:
	@command -v uv >/dev/null || { echo 'lock: needs uv (https://docs.astral.sh/uv)' >&2; exit 1; }
	@$(COMPILE) $(ARGS) --output-file locks/run.txt
	@$(COMPILE) $(ARGS) --group test --constraint locks/run.txt --output-file locks/test.txt
	@$(COMPILE) $(ARGS) --all-extras --constraint locks/run.txt --constraint locks/test.txt --output-file locks/image.txt

clean:
	@rm -rf .venv .venv.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name .git -prune -o -name .braid -prune -o -type d -name __pycache__ -prune \
		-exec rm -rf {} +

clean-data:
	@scripts/clean-data
