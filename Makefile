# make setup | test | sanitize | lint | demo | figures | pretrained | clean. Each does the set-up that it needs; VENV= chooses where.
VENV ?= .venv
# The published records that make pretrained trains on.
RECORDS ?= ../shared/data/tess_triage
PYTHON := $(VENV)/bin/python
SOURCES := pyproject.toml setup.py $(wildcard light_curve_util/cc/*)

.PHONY: setup test sanitize lint demo figures pretrained clean

setup: $(VENV)/.installed

$(VENV)/.installed: $(SOURCES)
	@sh .ci/make_venv.sh "$(VENV)"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-compile --editable '.[test]'
	@# By all cores, where pip takes one. Packages ship tests, which nothing imports, and templates that do not compile.
	@$(PYTHON) -m compileall -q -j 0 -x '/tests/test_' "$(VENV)/lib" >/dev/null || true
	@touch $@

test: setup
	$(PYTHON) -m pytest -n auto --maxprocesses=8 --dist worksteal

# The tests of the C++ core with a build of it that stops at an access out of bounds or undefined behavior.
sanitize: setup
	@sh .ci/sanitize.sh "$(VENV)"

lint: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

demo: setup
	$(PYTHON) astronet/demo.py --output_dir=demo

figures: setup
	$(PYTHON) docs/make_figures.py

pretrained: setup
	$(PYTHON) astronet/make_pretrained.py --records_dir="$(RECORDS)" --output_dir=astronet/pretrained/triage

clean:
	rm -rf build demo *.egg-info .pytest_cache .hypothesis .ruff_cache light_curve_util/*.so
