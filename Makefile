# Every target sets up what it needs, in .venv: a fresh clone, python3 (3.11 or newer) with pip, and
# make are enough. Another Python: `make clean`, then `make test PYTHON=python3.13`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# More arguments: make test ARGS='tests/ledger -k linked', make bench ARGS='--only version'
ARGS :=

# Stamps: what was installed when. A change of the project's dependencies or of their pins makes
# them old, and the next target installs anew.
RUNTIME := $(VENV)/.installed-runtime
DEV := $(VENV)/.installed-dev
PINS := pyproject.toml constraints.txt

.PHONY: help demo test ha lint bench docs clean
# One environment: two targets at once must not both fill it.
.NOTPARALLEL:

help:
	@echo 'make demo    the Heshan story on a fresh ledger'
	@echo 'make test    the whole test suite (ARGS=... goes to pytest)'
	@echo 'make ha      a PostgreSQL pair whose primary is killed under load (ARGS=--rounds 10: ten times)'
	@echo 'make lint    ruff, mypy and the floors of the house'
	@echo 'make bench   how fast it is: a table, and bench.json (ARGS=... goes to the runner)'
	@echo 'make docs    the pages of docs/ that follow from the code'
	@echo 'make clean   remove the environment, the caches and the builds'

demo: $(RUNTIME)
	@$(BIN)/ecny-tax demo

test: $(DEV)
	$(BIN)/pytest -n auto --dist worksteal $(ARGS)

ha: $(DEV)
	@$(BIN)/python -m tests.ha.failover $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict ecny_tax
	$(BIN)/lint-imports

bench: $(DEV)
	@$(BIN)/python -m bench $(ARGS)

docs: $(RUNTIME)
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The demo needs no test tools, and a newcomer should not wait for them.
$(RUNTIME): $(PINS)
	$(call install,.)
	@touch $@

# Development includes the runtime: the demo need not be set up again after the tests.
$(DEV): $(PINS)
	$(call install,.[dev])
	@touch $(RUNTIME) $@

# $(call install,WHAT): fill the environment with WHAT, editable, at the pinned versions.
#
# An environment without a pip of its own is made in a tenth of the time; uv, if it is there, or the
# pip of $(PYTHON) fills it from outside. A pip older than 22.3 cannot do that, and some Pythons
# have none: then the environment gets its own.
define install
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "ecny-tax needs Python 3.11 or newer, and '$(PYTHON)' is not; name one that is: make PYTHON=python3.12 ..." >&2; \
	exit 1; }
@echo "Setting up $(VENV) ..." >&2
@$(BIN)/python -c '' 2>/dev/null || { rm -rf $(VENV) && $(PYTHON) -m venv --without-pip $(VENV); }
@set -e; \
if command -v uv >/dev/null 2>&1; then \
	uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '$(1)'; \
elif $(PYTHON) -m pip --python $(BIN)/python --version >/dev/null 2>&1; then \
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check -c constraints.txt -e '$(1)'; \
else \
	$(PYTHON) -m venv $(VENV); \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '$(1)'; \
fi
endef
