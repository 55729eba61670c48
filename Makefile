# On a fresh machine: `make run` draws one picture, `make test` runs every check.
# Needs git, make and Python 3.11 or newer; another Python is named by PYTHON=python3.12.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip --disable-pip-version-check

DISTRIBUTIONS := $(patsubst %/pyproject.toml,%,$(wildcard core/pyproject.toml plugins/ima2_*/pyproject.toml ima2_*/pyproject.toml))
INPUTS := pyproject.toml constraints.txt $(DISTRIBUTIONS:%=%/pyproject.toml)

VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo missing)
READY := $(VENV)/ready-$(VERSION)
OTHER_PYTHON := $(filter-out $(READY),$(wildcard $(VENV)/ready-*))

.DEFAULT_GOAL := help
.PHONY: help setup run serve test lint chromium docs wheels wheelhouse constraints clean

help:
	@echo "make run         set up, draw one picture, say what to type next"
	@echo "make test        set up and run every check"
	@echo "make serve       set up and start the local server"
	@echo "make setup       only set up: everything is installed in $(VENV)"
	@echo "make lint        ruff and mypy"
	@echo "make docs        write the generated tables of docs/reference again"
	@echo "make wheels      one wheel for each distribution, in dist"
	@echo "make wheelhouse  those and all they need, for an installation without a network"
	@echo "make constraints pin the newest versions of everything the checks use"
	@echo "make clean       remove all that make has made"

setup: $(READY)

$(READY): $(INPUTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "ima2 needs Python 3.11 or newer; $(PYTHON) is $(VERSION). Name another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "$(PYTHON) has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Setting up $(VENV) with Python $(VERSION): a minute or so, the first time only."
	@$(PYTHON) -m venv $(if $(OTHER_PYTHON),--clear) $(VENV)
	@$(PIP) install --quiet --upgrade --constraint constraints.txt pip
	@$(PIP) install --quiet --constraint constraints.txt --group dev
	@$(PIP) install --quiet --constraint constraints.txt --no-build-isolation $(DISTRIBUTIONS:%=--editable ./%)
	@touch $@

run: setup
	@$(BIN)/ima2 generate "a red fox in the snow" --provider sketch
	@echo
	@echo "That was drawn on this machine: no account, no network. Next:"
	@echo "  $(BIN)/ima2 providers        who can draw, and what makes each one ready"
	@echo "  $(BIN)/ima2 generate --help  everything a picture can be asked for"
	@echo "  make serve                  the local server"

serve: setup
	@exec $(BIN)/ima2 serve

test: lint chromium
	@$(BIN)/python -m pytest

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

chromium: setup
	@$(BIN)/python tests/browser/chromium.py

docs: setup
	@$(BIN)/python docs/build_reference.py

wheels: setup
	@rm -rf dist
	@$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist $(DISTRIBUTIONS:%=./%)
	@ls dist

wheelhouse: wheels
	@rm -rf wheelhouse
	@$(PIP) wheel --quiet --constraint constraints.txt --wheel-dir wheelhouse dist/*.whl
	@echo "wheelhouse: try  pip install --no-index --find-links wheelhouse ima2-openai"

constraints:
	@rm -rf build/fresh && $(PYTHON) -m venv build/fresh
	@build/fresh/bin/python -m pip install --quiet --upgrade pip
	@build/fresh/bin/python -m pip install --quiet --group dev
	@build/fresh/bin/python -m pip install --quiet --no-build-isolation $(DISTRIBUTIONS:%=--editable ./%)
	@{ sed -n '/^#/p' constraints.txt; build/fresh/bin/python -m pip freeze --all --exclude setuptools --exclude-editable; } > build/constraints.txt
	@mv build/constraints.txt constraints.txt && rm -rf build/fresh

clean:
	rm -rf $(VENV) build dist wheelhouse .mypy_cache .pytest_cache .ruff_cache .hypothesis
