# make help lists the targets. A second run of any of them is quick: what did not change is not done again.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Compiled modules are kept, whatever the caller's shell says: a start without them takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
DEMO := var/demo
RECORD := test-results/features.json
# Tests wait as much as they work: with two workers half of two cores stood idle.
# A module's tests run in one of them: what the module has started is started once.
WORKERS ?= 4
PO := $(shell find core plugins -name '*.po' 2>/dev/null)
VENDOR := core/web/static/vendor/VERSIONS.json
MO := .venv/.translations
INSTALLED := .venv/.installed
INSTALLED_TEST := .venv/.installed-test

.PHONY: help run test pytest coverage lint format bench features docs screenshots wheel translations constraints clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(INSTALLED) $(VENDOR) $(MO) ## install what is missing and start the demo centre
	@exec $(BIN)/okno --home $(DEMO) run --demo

test: lint pytest ## install what tests need, then lint and run all tests

pytest: $(INSTALLED_TEST) $(VENDOR) $(MO)
	@scripts/test_deps.sh
	@mkdir -p test-results
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder --features-record=$(RECORD) \
		--junitxml=test-results/junit.xml $(ARGS)

coverage: ## all tests, and which lines none of them runs (slower)
	@$(MAKE) --no-print-directory pytest ARGS="--cov --cov-report=term:skip-covered $(ARGS)"

lint: $(INSTALLED_TEST) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED_TEST) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED_TEST) $(VENDOR) $(MO) ## measure and print the tables of bench/
	$(BIN)/python -m bench

features: $(INSTALLED_TEST) ## which rows of docs/features.md have passing tests (as of the last full test run)
	@test -f $(RECORD) || $(MAKE) --no-print-directory pytest
	@$(BIN)/python scripts/features.py --record $(RECORD)

docs: $(INSTALLED) ## write the generated reference pages anew
	$(BIN)/okno docs --write

screenshots: $(INSTALLED_TEST) $(VENDOR) $(MO) ## take the pictures of docs/ from a running demo
	$(BIN)/python scripts/screenshots.py

wheel: $(INSTALLED_TEST) $(VENDOR) $(MO) ## build dist/okno-*.whl with front-end libraries and translations in it
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

translations: $(INSTALLED_TEST) ## collect new texts into the .po files
	$(BIN)/python scripts/translations.py update

constraints: $(INSTALLED_TEST) ## write constraints.txt from what is installed
	$(BIN)/python scripts/constraints.py

clean: ## remove all that is made, the virtual environment and the demo's data too
	rm -rf .venv node_modules core/web/static/vendor build dist *.egg-info test-results htmlcov .coverage* $(DEMO)
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find core plugins tests -name '*.mo' -delete
	find core plugins tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@PYTHON="$(PYTHON)" scripts/venv.sh .venv

$(INSTALLED): setup.cfg pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Okno and its plugins (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all]'
	@touch $@

$(INSTALLED_TEST): $(INSTALLED)
	@echo "Installing what tests need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,test,dev,bench]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[sip]' \
		|| echo "Left out: telephones without an exchange (no package pjsua2-python for this machine)"
	@touch $@

# node_modules/.package-lock.json is npm's own record of the last install.
node_modules/.package-lock.json: package-lock.json .npmrc | $(BIN)/python
	@scripts/npm_ci.sh $(BIN)
	@touch $@

$(VENDOR): node_modules/.package-lock.json core/web/icons.txt scripts/vendor.py scripts/tiptap.js | $(BIN)/python
	@$(BIN)/python scripts/vendor.py

$(MO): $(PO) scripts/translations.py | $(INSTALLED)
	@$(BIN)/python scripts/translations.py compile
	@touch $@
