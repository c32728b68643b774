# The whole interface for people who work on this: demo, lab, app, test, check, schema, bench, lock.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo lab app test check schema bench lock

demo: $(READY)  ## convert a sample clip, from nothing
	$(BIN)/workbench demo demo

lab: $(READY)  ## open JupyterLab on the tuning notebook
	$(BIN)/jupyter lab notebooks/tune.ipynb

app: $(READY)  ## open the tuning notebook without its code, as voila.json says
	cd notebooks && ../$(BIN)/voila tune.ipynb $(ARGS)

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

lock:  ## resolve pyproject.toml anew into requirements.lock
	uv pip compile --universal --generate-hashes --extra dev --python-version 3.11 \
		--no-header --no-annotate --upgrade pyproject.toml --output-file requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
		"Python 3.11 or later is needed; name one, such as: make demo PYTHON=python3.12")'
	@echo "Installing into .venv; this takes about a minute."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)
