# make setup | test | test-fast | sanitize | lint | demo | docs | site | survey-report | figures | pretrained | clean
# Each target first does the set-up that it needs. VENV= is the directory of the virtual environment, PYTHON= its Python.
VENV ?= .venv
# The published records that make pretrained trains on.
RECORDS ?= ../shared/data/tess_triage
VETTING_RECORDS ?= ../shared/data/tess_vetting
# Empty: the first of 3.11, 3.10, 3.9, 3.13 and 3.12 on this machine.
PYTHON ?=
unexport PYTHON  # ensemble_train.sh also has a variable of this name
RUN := $(VENV)/bin/python
SOURCES := pyproject.toml setup.py $(wildcard light_curve_util/cc/*)

.PHONY: FORCE setup test test-fast sanitize lint demo docs site figures pretrained survey-report clean

setup: $(VENV)/.installed

$(VENV)/.installed: $(SOURCES) $(if $(PYTHON),FORCE)
	@sh .ci/make_venv.sh "$(VENV)" "$(PYTHON)"
	@sh .ci/install.sh "$(VENV)" --editable '.[test]'
	@touch $@

test: setup
	$(RUN) -m pytest -n auto --maxprocesses=8 --dist worksteal

# Leaves out the tests that tests/conftest.py lists as slow.
test-fast: setup
	$(RUN) -m pytest -n auto --maxprocesses=8 --dist worksteal -m "not slow"

# Runs the tests of the C++ core with a build that stops at accesses out of bounds and undefined behavior.
sanitize: setup
	@sh .ci/sanitize.sh "$(VENV)"

lint: setup
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

demo: setup
	$(RUN) astronet/demo.py --output_dir=demo

# Builds the documentation site in build/site, and runs the commands and snippets of its pages as tests.
docs: site survey-report
	$(RUN) -m pytest -n auto --maxprocesses=8 --dist worksteal tests/test_docs.py tests/test_site.py tests/test_walkthrough.py \
	  tests/astronet/flares/test_walkthrough.py tests/astronet/direct_imaging/test_walkthrough.py

# Only builds the site: executes its notebooks and checks its links. Warnings are errors.
site: $(VENV)/.docs-installed
	$(RUN) -m sphinx -E -W --keep-going -b html -c docs . build/site
	@echo "open build/site/index.html"

# A report of the simulated survey of 500 stars, as docs/report.md describes it.
survey-report: setup
	$(RUN) astronet/data/simulate_survey.py --output_dir=build/survey --num_stars=500
	$(RUN) astronet/triage.py build/survey/tess --table=build/survey/tces.csv --output_dir=build/survey/ranked --plots=0 \
	  --model_dir=pretrained:triage,pretrained:vetting --report

$(VENV)/.docs-installed: pyproject.toml | setup
	@sh .ci/install.sh "$(VENV)" --editable '.[test,docs]'
	@touch $@

figures: setup
	$(RUN) docs/make_figures.py

pretrained: setup
	$(RUN) tools/make_pretrained.py --records_dir="$(RECORDS)" --output_dir=astronet/pretrained/triage
	$(RUN) tools/make_pretrained.py --config_name=vetting --folds=5 --num_models=5 --records_dir="$(VETTING_RECORDS)" \
	  --catalog="$(RECORDS)/tces.csv" --output_dir=astronet/pretrained/vetting --work_dir=build/pretrained_vetting

clean:
	rm -rf build demo *.egg-info .pytest_cache .hypothesis .ruff_cache light_curve_util/*.so
