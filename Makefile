# make setup | run | test: each sets up what it needs in .venv and ends with a line that says what happened.
#
#   make run                      looks for objects in generated houses
#   make run SCENE=my.glb         walks to points in your mesh (any GLB, glTF, OBJ or PLY)
#   make run EPISODES=50 SEED=5 OUT=runs/mine AGENT=expert
#   make test PYTEST="-k octree"  a part of the tests

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup run test

PYTHON ?= python3
EPISODES ?= 8
SEED ?= 0
AGENT ?= modular
SCENE ?=
WORLD := $(if $(SCENE),env=mesh task=pointnav 'env.scene=$(SCENE)',env=houses task=objectnav)
# the first run is kept: the next one gets a folder of its own
ifndef OUT
OUT := $(if $(wildcard runs/first/results.jsonl),runs/$(shell date +%Y-%m-%d_%H-%M-%S),runs/first)
endif
PYTEST ?=
# the tests that wait and start processes; the others, which compute, run beside them
HALF := tests/agent tests/envs tests/scripts

BIN := .venv/bin
STAMP := .venv/set-up
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -7

setup: $(STAMP)
	@echo "set up: $$($(BIN)/python -V) and placecell in .venv; next: make run, or make test"

# torch comes first, in the version that constraints.txt names: an unpinned one may draw gigabytes of CUDA.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "expected Python 3.11 or newer, got $$($(PYTHON) -V); name one: make setup PYTHON=python3.12" >&2; exit 2; }
	@echo "setting up .venv (minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) setuptools wheel
	@$(PIP) torch
	@$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $(STAMP)

run: $(STAMP)
	@$(BIN)/placecell-run $(WORLD) agent=$(AGENT) record=full episodes=$(EPISODES) seed=$(SEED) 'out=$(OUT)' \
	  && echo "make run: $(AGENT) walked $(EPISODES) episodes in $(or $(SCENE),generated houses); results in $(OUT)/"

test: export PLACECELL_TYPECHECK := 1
test: export CHOSEN = $(PYTEST)
test: $(STAMP)
	@failed=; \
	for check in 'ruff check' 'ruff format --check' 'mypy -p placecell' 'lint-imports'; do \
	  echo "== $$check"; $(BIN)/$$check || failed="$$failed, $$check"; \
	done; \
	if [[ -n "$$CHOSEN" ]]; then \
	  echo '== python -m pytest $(PYTEST)'; $(BIN)/python -m pytest $(PYTEST) || failed="$$failed, pytest"; \
	else \
	  echo '== python -m pytest, in two processes'; rest=$$(mktemp); \
	  $(BIN)/python -m pytest tests $(HALF:%=--ignore=%) >"$$rest" 2>&1 & other=$$!; \
	  $(BIN)/python -m pytest $(HALF) || failed="$$failed, pytest $(HALF)"; \
	  wait $$other || failed="$$failed, pytest (the other tests)"; \
	  cat "$$rest"; rm -f "$$rest"; \
	fi; \
	if [[ -n "$$failed" ]]; then echo "make test: FAILED: $${failed#, }; see the lines above" >&2; exit 1; fi; \
	echo "make test: style, types, imports and tests passed$${PLACECELL_DATA:+ (real data: $$PLACECELL_DATA)}"
