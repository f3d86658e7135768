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
WEB := $(VENV)/.installed-web
DEV := $(VENV)/.installed-dev
PINS := pyproject.toml constraints.txt
# What users would pick instead of us has an environment of its own, and so has what changes our code to see
# whether a test notices.
RIVALS := .venv-rivals
MUTANTS := .venv-mutants

.PHONY: help demo serve test browser ha fuzz lint bench rivals growth mutants docs clean

# Python keeps what it has compiled, also where the environment forbids it: the suite starts hundreds of
# processes, and each of them would compile the package anew.
export PYTHONDONTWRITEBYTECODE :=

# One environment: two targets at once must not both fill it.
.NOTPARALLEL:

help:
	@echo 'make demo    the Heshan story on a fresh ledger'
	@echo 'make serve   the sandbox over HTTP, on port 8000 of this machine (ARGS=... goes to ecny-tax serve)'
	@echo 'make test    the test suite, but for what needs a browser (ARGS=... goes to pytest)'
	@echo 'make browser the teaching console in a headless Chromium, fetched if there is none; build/screenshots'
	@echo 'make ha      a PostgreSQL pair whose primary is killed under load (ARGS=--rounds 10: ten times)'
	@echo 'make fuzz    schemathesis asks the HTTP sandbox 2,000 times and more (ARGS="--requests 10000")'
	@echo 'make lint    ruff, mypy and the floors of the house'
	@echo 'make bench   how fast it is: a table, and bench.json (ARGS=... goes to the runner)'
	@echo 'make rivals  the same transfers by django-hordak and SQLAlchemy: a table, and rivals.json'
	@echo 'make growth  what a transfer costs in a ledger of up to ten million: minutes, and 2 GB of disk'
	@echo 'make mutants money, ledger and voucher checks changed in 1,300 ways: does a test notice? An hour or so'
	@echo 'make docs    the site of docs/ in build/site, after renewing the pages that follow from the code'
	@echo 'make clean   remove the environment, the caches and the builds'

demo: $(RUNTIME)
	@$(BIN)/ecny-tax demo

serve: $(WEB)
	@$(BIN)/ecny-tax serve $(ARGS)

test: $(DEV)
	$(BIN)/pytest -n auto --dist worksteal --ignore tests/browser $(ARGS)

browser: $(DEV)
	@$(BIN)/python -m tests.browser.chromium
	$(BIN)/pytest -n 0 tests/browser $(ARGS)

ha: $(DEV)
	@$(BIN)/python -m tests.ha.failover $(ARGS)

fuzz: $(DEV)
	@$(BIN)/python -m tests.web.fuzz $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict ecny_tax
	$(BIN)/lint-imports

bench: $(DEV)
	@$(BIN)/python -m bench $(ARGS)

rivals: $(DEV)
	@$(MAKE) --no-print-directory $(RIVALS)/.installed || { \
		echo 'django-hordak and SQLAlchemy (bench/rivals.txt) cannot be installed here: nothing was measured' >&2; \
		exit 1; }
	@$(BIN)/python -m bench.rivals $(ARGS)

growth: $(DEV)
	@$(BIN)/python -m bench.growth $(ARGS)

# It goes on where it was stopped; `make clean` forgets what it knows. It never fails: who survived is read.
mutants: $(MUTANTS)/.installed
	-$(MUTANTS)/bin/mutmut run $(ARGS)
	@$(MUTANTS)/bin/mutmut results

# Strict: a link that leads nowhere fails it.
docs: $(DEV)
	$(BIN)/python docs/generate.py
	$(BIN)/zensical build --clean --strict
	@echo 'open build/site/index.html, or serve the folder: $(BIN)/python -m http.server -d build/site'

clean:
	rm -rf $(VENV) $(RIVALS) $(MUTANTS) build dist mutants .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The demo needs no test tools, and a newcomer should not wait for them.
$(RUNTIME): $(PINS)
	$(call install,$(VENV),-c constraints.txt -e .)
	@touch $@

$(WEB): $(PINS)
	$(call install,$(VENV),-c constraints.txt -e '.[web]')
	@touch $(RUNTIME) $@

# Development includes the others: the demo need not be set up again after the tests.
$(DEV): $(PINS)
	$(call install,$(VENV),-c constraints.txt -e '.[dev]')
	@touch $(RUNTIME) $(WEB) $@

$(RIVALS)/.installed: bench/rivals.txt
	$(call install,$(RIVALS),-r bench/rivals.txt)
	@touch $@

$(MUTANTS)/.installed: $(PINS)
	$(call install,$(MUTANTS),-c constraints.txt -e '.[dev]' mutmut==3.8.1)
	@touch $@

# $(call install,ENVIRONMENT,WHAT): fill the environment with WHAT.
#
# An environment without a pip of its own is made in a tenth of the time; uv, if it is there, or the
# pip of $(PYTHON) fills it from outside. A pip older than 22.3 cannot do that, and some Pythons
# have none: then the environment gets its own.
define install
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "ecny-tax needs Python 3.11 or newer, and '$(PYTHON)' is not; name one that is: make PYTHON=python3.12 ..." >&2; \
	exit 1; }
@echo "Setting up $(1) ..." >&2
@$(1)/bin/python -c '' 2>/dev/null || { rm -rf $(1) && $(PYTHON) -m venv --without-pip $(1); }
@set -e; \
if command -v uv >/dev/null 2>&1; then \
	uv pip install --quiet --python $(1)/bin/python $(2); \
elif $(PYTHON) -m pip --python $(1)/bin/python --version >/dev/null 2>&1; then \
	$(PYTHON) -m pip --python $(1)/bin/python install --quiet --disable-pip-version-check $(2); \
else \
	$(PYTHON) -m venv $(1); \
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2); \
fi
endef
