# The whole interface for people who work on this.

PYTHON ?= python3
PROJECT ?= my-project
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-compile --no-deps
UV := $(BIN)/uv
RUNTIME := .venv/.runtime
READY := .venv/.ready
TOOLS := .venv/.tools
# One version of each package for every Python, and no address of an index.
LOCK := $(UV) pip compile --universal --fork-strategy fewest --generate-hashes \
	--python-version 3.11 --no-header --no-annotate --upgrade
PROJECT_LOCK := $(LOCK) --extra serve pyproject.toml

# Install the packages of a lock. uv takes seconds where pip takes most of a minute; pip is the
# second attempt, because uv does not read the index and the certificates of a pip.conf.
define INSTALL
$(UV) pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r $(1) || \
	$(PIP) --require-hashes -r $(1)
endef

PYTHONS ?= 3.11 3.12 3.13 3.14

.PHONY: demo lab app test pythons lowest deployment check schema bench lock release docs changelog

demo: $(RUNTIME)  ## convert a sample clip, from nothing
	$(BIN)/workbench demo demo

lab: $(RUNTIME)  ## open JupyterLab on the tuning notebook of the folder PROJECT
	$(BIN)/workbench lab $(PROJECT) $(ARGS)

app: $(RUNTIME)  ## open the desk of the folder PROJECT as a page without code
	$(BIN)/workbench app $(PROJECT) $(ARGS)

test: $(READY)  ## run the tests, in two processes unless ARGS="-n 0"
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

pythons: $(READY)  ## run the quick tests on each Python of the machine, or on those of PYTHONS
	$(BIN)/python -m tests.pythons --versions $(PYTHONS)

lowest: $(READY)  ## run the quick tests with the oldest direct dependencies that pyproject.toml allows
	$(BIN)/python -m tests.pythons --lowest

deployment: $(READY)  ## hold docs/deploy against published schemas; build and run its image, as root
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --target .venv/schemas \
		dask-kubernetes==2026.3.0 compose-spec==0.2.1
	PYTHONPATH=.venv/schemas $(BIN)/python -m tests.deploy.schemas
	$(BIN)/python -m tests.deploy.rehearsal

check: $(READY)  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/oxlint --config tests/desk/javascript/oxlintrc.json --deny-warnings workbench/desk/web tests/desk/javascript
	$(BIN)/mypy

schema: $(READY)  ## write the JSON schema of the record from its model
	$(BIN)/python -m workbench.deliver.record_model

bench: $(READY)  ## measure speed against the bare ffmpeg command
	$(BIN)/python -m tests.benchmarks.speed $(ARGS)

lock: $(RUNTIME)  ## resolve pyproject.toml anew into the four locks
	$(LOCK) --group install --output-file requirements-install.lock
	$(PROJECT_LOCK) --output-file requirements.lock
	$(PROJECT_LOCK) --group dev --constraints requirements.lock --output-file requirements-dev.lock
	$(PROJECT_LOCK) --group release --constraints requirements-dev.lock \
		--output-file requirements-release.lock

# The version is not in pyproject.toml but in the package, where the SBOM's author does not look.
define SET_VERSION
import json, pathlib, workbench
path = pathlib.Path("dist/sbom.cdx.json")
sbom = json.loads(path.read_text())
sbom["metadata"]["component"]["version"] = workbench.__version__
path.write_text(json.dumps(sbom, indent=2))
endef
export SET_VERSION

release: $(TOOLS)  ## build dist/: a wheel, an sdist and a list of their dependencies (SBOM)
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/twine check --strict dist/*.whl dist/*.tar.gz
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml \
		--mc-type application --output-reproducible --validate --output-file dist/sbom.cdx.json
	$(BIN)/python -c "$$SET_VERSION"

docs: $(TOOLS)  ## build the documentation into site/; a broken link fails
	$(BIN)/mkdocs build --strict $(ARGS)

changelog: $(TOOLS)  ## move the notes in changelog.d into CHANGELOG.md, under the version
	$(BIN)/towncrier build --yes --version $$($(BIN)/python -c 'import workbench; print(workbench.__version__)')

# What a user runs, and nothing that only the tests need.
$(RUNTIME): requirements-install.lock requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
		"Python 3.11 or later is needed; name one, such as: make demo PYTHON=python3.12")'
	@echo "Installing into .venv; this takes up to a minute."
	$(PYTHON) -m venv .venv
	$(PIP) --quiet --require-hashes -r requirements-install.lock
	$(call INSTALL,requirements.lock)
	$(PIP) --quiet --no-build-isolation -e .
	@touch $(RUNTIME)

$(READY): $(RUNTIME) requirements-dev.lock
	$(call INSTALL,requirements-dev.lock)
	@touch $(READY)

$(TOOLS): $(RUNTIME) requirements-release.lock
	$(call INSTALL,requirements-release.lock)
	@touch $(TOOLS)
