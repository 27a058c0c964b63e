# make demo   rank the embedded zoo on handwritten digits, from nothing but Python >= 3.11
# make test   the whole test suite
# make lint   ruff and pyright
# make docs   the documentation, with the notebooks run, into docs/_build/html (LIN_FT_SMALL=1: at small size)
# make figures  every table and figure of docs/, experiments/results/ and the README from committed results, untrained
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint docs figures clean

demo: .venv/.installed
	$(BIN)/lin-ft rank --target optdigits --shots 10 --plot ranking-optdigits.png --json ranking-optdigits.json

test: .venv/.installed-test
	$(BIN)/python -m pytest -n 2

lint: .venv/.installed-lint .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: .venv/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo 'docs/_build/html/index.html'

figures: .venv/.installed-figures
	$(BIN)/python -m experiments.figures

clean:
	rm -rf .venv

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lin_ft needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

# neural-tangents, an oracle of the tests, asks for TensorFlow, which nothing here uses: it is installed without.
.venv/.installed-test: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps neural-tangents==0.6.5
	touch $@

.venv/.installed-%: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@
