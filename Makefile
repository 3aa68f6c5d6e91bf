# Everything here works in a virtual environment of its own (.venv), made on first use from the
# hash-pinned lock files.  Needed beforehand: make, and Python 3.11 or newer with its venv module.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN    := $(VENV)/.ready-run
DEV    := $(VENV)/.ready-dev
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Targets for netwhy itself: make run ARGS="example.com:443"
ARGS ?=
# Options for pytest: make test PYTEST_ARGS="-k refused"
PYTEST_ARGS ?=
# The lab waits much more than it works: several worlds side by side.
LAB_WORLDS ?= 4

# Debian keeps firewalls and name servers where ordinary users do not look.
export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: help run test check format lab bench soak screenshots wheel lock clean

help:
	@echo "make run [ARGS=\"host:port ...\"]  the dashboard"
	@echo "make test                        every test, the fault lab included"
	@echo "make check                       style, types and walls"
	@echo "make lab                         the fault lab, with its table"
	@echo "make bench                       speed, against peers in the same run"
	@echo "make soak                        the dashboard for ten minutes: does anything grow?"
	@echo "make screenshots                 pictures and examples of the README, from the running program"
	@echo "make format | wheel | lock | clean"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "netwhy needs Python 3.11 or newer; this is $$($(PYTHON) --version 2>&1)."; \
	    echo "Name another one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(RUN): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing netwhy into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUN)
	@echo "Installing what the tests need ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

run: $(RUN)
	@$(BIN)/netwhy $(ARGS)

# Of the tests with real sockets those that look at no times.
UNTIMED := $(addprefix tests/net/test_,bind_causes.py bind_rules.py commands.py no_network.py)

# Tests that look at times (probes, the terminal) get the machine for themselves.
test: $(DEV)
	$(BIN)/python -m pytest -q -n auto tests/unit tests/tui $(PYTEST_ARGS)
	$(BIN)/python -m pytest -q -n auto $(UNTIMED) $(PYTEST_ARGS)
	$(BIN)/python -m pytest -q tests/net tests/e2e $(addprefix --ignore=,$(UNTIMED)) $(PYTEST_ARGS)
	$(BIN)/python -m pytest -q -n $(LAB_WORLDS) tests/lab $(PYTEST_ARGS)

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict app
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/unit/test_words.py tests/unit/test_repository.py

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lab: $(DEV)
	$(BIN)/python -m pytest -q -n $(LAB_WORLDS) tests/lab $(PYTEST_ARGS)

bench: $(DEV)
	$(BIN)/python scripts/bench.py
	$(BIN)/python scripts/load.py

# 200 targets a second for ten minutes.  Shorter: make soak SOAK_ARGS="--seconds 120"
SOAK_ARGS ?=
soak: $(DEV)
	$(BIN)/python scripts/soak.py $(SOAK_ARGS)

# The pictures, and the examples in the README: both from real runs in a world of the lab.
screenshots: $(DEV)
	$(BIN)/python scripts/screenshots.py
	$(BIN)/python scripts/examples.py

wheel: $(DEV)
	$(BIN)/python -m hatchling build -t wheel

# Needs uv (https://docs.astral.sh/uv/).  uv.lock decides; the other two are written from it for pip.
lock:
	uv lock
	uv export --locked --quiet --no-header --no-annotate --no-emit-project --no-default-groups \
	  --group build -o requirements.lock
	uv export --locked --quiet --no-header --no-annotate --no-emit-project -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find app tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
