# The only two commands a newcomer needs: `make run` and `make test`. They need Python >= 3.11 with venv, and nothing else.
# PYTHON=… picks the interpreter, ARGS=… is handed on: make run ARGS="--port 9000".

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup run test check bench proof tools
MAKEFLAGS += --no-print-directory

PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --quiet --disable-pip-version-check --no-warn-script-location --no-compile
# What was installed, and for which folder: a warm start does nothing, a moved or changed checkout sets up again.
KEY := $(shell { cat pyproject.toml; pwd; } | cksum | cut -d ' ' -f 1)
READY := .venv/.ready-$(KEY)
TOOLS := .venv/.tools-$(KEY)

help:
	@echo "make run    the reference hall with demonstration traffic on http://127.0.0.1:8000"
	@echo "make test   sets up what tests need, then runs every check and test"
	@echo "make setup  only .venv with the tidehall command"
	@echo "make check  formatting, lint, types, import contracts"
	@echo "make bench  benchmarks with their baselines"
	@echo "make proof  the long proofs; their figures go into docs/"

setup: $(READY)
	@:

$(READY):
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$python"; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
	    echo "No Python >= 3.11 with venv found. Install one (Debian, Ubuntu: apt install python3 python3-venv) or say PYTHON=/path/to/python3." >&2; exit 1; \
	fi; \
	echo "Setting up .venv with $$("$$found" --version), once; this takes about a minute"; \
	"$$found" -m venv .venv; \
	$(PIP) --editable '.[simulation]'; \
	rm -f .venv/.ready-* .venv/.tools-*; \
	touch $@

run: $(READY)
	@exec .venv/bin/tidehall serve --demo --plan halls/yangxin.toml --data data/demo $(ARGS)

tools: $(TOOLS)
	@:

$(TOOLS): $(READY)
	@echo "Setting up the tools of the tests in .venv, once"
	@$(PIP) --editable '.[simulation,cluster,kernel,dev]'
	@# Ciw checks the simulator's networks. It brings a package named tests that would hide ours: it lies aside.
	@[ -d .venv/ciw/ciw-3.2.7.dist-info ] || { rm -rf .venv/ciw; $(PIP) --no-deps --target .venv/ciw ciw==3.2.7; }
	@touch $@

test: $(TOOLS)
	@.ci/tools
	@$(MAKE) check
	@.ci/node
	@# A browser on two busy cores may miss a moment: one more try, and the summary says that there was one.
	@$(PY) -m pytest -m "not proof" --reruns 1 tests/pages $(ARGS)
	@# Much of it is waiting for servers and clocks: two at a time.
	@$(PY) -m pytest -m "not proof" --ignore tests/pages --numprocesses 2 --dist worksteal $(ARGS)

check: $(TOOLS)
	@echo "Formatting, lint" && $(PY) -m ruff format --quiet --check . && $(PY) -m ruff check --quiet .
	@echo "Types" && $(PY) -m mypy --no-error-summary
	@echo "Imports" && $(PY) -c 'from importlinter.cli import lint_imports_command as lint; lint(["--no-cache"])' > .venv/imports.txt || { cat .venv/imports.txt; exit 1; }

bench: $(TOOLS)
	@for file in $$(grep -l __main__ benchmarks/*.py); do $(PY) -m "benchmarks.$$(basename "$$file" .py)"; done

proof: $(TOOLS)
	@.ci/tools
	@$(PY) -m pytest -m proof --timeout 7200 tests/pages $(ARGS)
	@$(PY) -m pytest -m proof --timeout 7200 --ignore tests/pages $(ARGS)
	@$(PY) docs/proofs.py
	@$(PY) docs/validation.py $(SNAPSHOTS)
	@$(PY) docs/estimates.py $(SNAPSHOTS)
	@$(PY) docs/tide.py
