# Everything from a bare checkout: make and a CPython 3.12 or newer are all that must be there before.
# ARGS is handed on: make demo ARGS='--once --json'

VENV := .venv
PY := $(VENV)/bin/python
OVOP := $(VENV)/bin/ovop
READY := $(VENV)/.ready
#: Test processes side by side, each with a PostgreSQL of its own.
WORKERS ?= 2
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo up test check bench race chaos soak fix lock docs clean

help: ## what can be done here
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

$(READY): requirements-dev.lock .ci/bootstrap
	@.ci/bootstrap

demo: $(READY) ## five years of a village network through the whole system, then the pages (ARGS='--once', '--once --json', '--scale N')
	@$(OVOP) demo $(ARGS)

up: $(READY) ## the servers and all processes, until Ctrl-C
	@$(OVOP) up $(ARGS)

test: $(READY) ## all tests on real servers (containers when an engine answers, otherwise the embedded programs)
	@$(PY) -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

check: $(READY) ## form, lint, types, import contracts, translations, lock, descriptions for others
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports
	@$(PY) -m pytest -q -p no:cacheprovider tests/architecture/test_lock.py tests/unit/test_language.py \
		tests/unit/test_contracts.py

fix: $(READY) ## put the form right
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

bench: $(READY) ## speed against the raw limits and the peer, table and JSON
	@$(PY) -m tests.bench $(ARGS)

race: $(READY) ## 8 writer processes, 1,000,000 events: none lost, none doubled, order kept
	@$(PY) -m tests.system.race $(ARGS)

chaos: $(READY) ## kill -9 of everything under load: nothing acknowledged is lost
	@$(PY) -m tests.system.chaos $(ARGS)

soak: $(READY) ## load for a long time: memory, files and lag stay flat
	@$(PY) -m tests.system.soak $(ARGS)

lock: $(READY) ## choose versions anew and write the two locks with hashes, naming no index
	@$(PY) -m pip install --quiet --disable-pip-version-check uv
	@$(VENV)/bin/uv pip compile pyproject.toml --upgrade --universal --python-version 3.12 --generate-hashes \
		--no-annotate --no-header --no-emit-index-url --quiet --output-file requirements.lock
	@$(VENV)/bin/uv pip compile pyproject.toml --group dev --constraint requirements.lock --upgrade --universal \
		--python-version 3.12 --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet \
		--output-file requirements-dev.lock
	@! grep -nE '://|index-url|find-links' requirements.lock requirements-dev.lock

docs: $(READY) ## write docs/openapi.json and docs/asyncapi.json anew from the code
	@$(PY) -m tests.contracts

clean: ## throw away what was built; the embedded servers' data in .ovop stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
