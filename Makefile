# The whole interface for people who work on this: demo, lab, app, test, check, schema, bench, lock.

PYTHON ?= python3
PROJECT ?= my-project
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check
RUNTIME := .venv/.runtime
READY := .venv/.ready
# One version of each package for every Python, and no address of an index.
LOCK := uv pip compile --universal --fork-strategy fewest --generate-hashes --extra serve \
	--python-version 3.11 --no-header --no-annotate pyproject.toml

.PHONY: demo lab app test check schema bench lock

demo: $(RUNTIME)  ## convert a sample clip, from nothing
	$(BIN)/workbench demo demo

lab: $(RUNTIME)  ## open JupyterLab on the tuning notebook of the folder PROJECT
	$(BIN)/workbench lab $(PROJECT) $(ARGS)

app: $(RUNTIME)  ## open the desk of the folder PROJECT as a page without code
	$(BIN)/workbench app $(PROJECT) $(ARGS)

test: $(READY)  ## run the tests, in two processes unless ARGS="-n 0"
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(READY)  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/oxlint --config tests/desk/javascript/oxlintrc.json --deny-warnings workbench/desk/web tests/desk/javascript
	$(BIN)/mypy

schema: $(READY)  ## write the JSON schema of the record from its model
	$(BIN)/python -m workbench.deliver.record_model

bench: $(READY)  ## measure speed against the bare ffmpeg command
	$(BIN)/python -m tests.benchmarks.speed $(ARGS)

lock:  ## resolve pyproject.toml anew into requirements.lock and requirements-dev.lock
	$(LOCK) --group build --upgrade --output-file requirements.lock
	$(LOCK) --group dev --upgrade --constraints requirements.lock --output-file requirements-dev.lock

# What a user runs, and nothing that only the tests need.
$(RUNTIME): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
		"Python 3.11 or later is needed; name one, such as: make demo PYTHON=python3.12")'
	@echo "Installing into .venv; this takes about a minute."
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $(RUNTIME)

$(READY): $(RUNTIME) requirements-dev.lock
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $(READY)
