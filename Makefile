# polyglot: everything a user or CI runs. `make help` lists the targets; nothing but Python 3.11+ and make is needed.

PYTHON  ?= python3
STUDY   ?= studies/quickstart.yaml
MIX     ?=
PROFILE ?= local
ARGS    ?=
BENCH   ?=

VENV     := .venv
READY    := $(VENV)/.ready
BIN      := $(VENV)/bin
POLYGLOT := $(BIN)/polyglot
CHOICE   := '$(STUDY)' $(if $(MIX),--mix '$(MIX)') --profile '$(PROFILE)' $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help setup submit plan watch status logs report test lint bench lock generated clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  variables: STUDY=studies/x.yaml MIX=DEFRITES PROFILE=local ARGS="more options"'

setup: $(READY) ## install everything into .venv, from the hash-pinned lock

# uv comes from PyPI by hash, then installs exactly what the lock says; no package is built and no index is named.
$(READY): requirements/uv.txt requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "polyglot needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 …" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@echo 'installing the locked packages (torch is large: a minute on a fast network)' >&2
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements/dev.txt
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $(READY)

submit: $(READY) ## run a study to its report (STUDY, MIX, PROFILE)
	@$(POLYGLOT) submit $(CHOICE)

plan: $(READY) ## what would run, and why
	@$(POLYGLOT) plan $(CHOICE)

watch: $(READY) ## follow a study that runs
	@$(POLYGLOT) watch $(CHOICE)

status: $(READY) ## where every stage of a study is
	@$(POLYGLOT) status $(CHOICE)

logs: $(READY) ## the merged logs of a study
	@$(POLYGLOT) logs $(CHOICE)

report: $(READY) ## fetch the report of a finished study into out/
	@$(POLYGLOT) report $(CHOICE)

test: $(READY) ## all tests that need no cluster
	@$(BIN)/python -m pytest $(ARGS)

lint: $(READY) ## ruff, mypy --strict, the layers, generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.kit.generated --check

generated: $(READY) ## write docs/study.schema.json, docs/errors.md and docs/cli.md anew
	@$(BIN)/python -m tests.kit.generated

bench: $(READY) ## the benchmarks of tests/bench (BENCH=name for one); prints figures, asserts nothing
	@$(BIN)/python -m tests.bench $(BENCH)

lock: $(READY) ## resolve the locks anew from pyproject.toml
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml -o requirements/controller.txt
	@for extra in worker trainer dev; do \
	  $(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra $$extra pyproject.toml \
	    -o requirements/$$extra.txt; done
	@awk '/^uv==/{on=1} /^[a-z]/&&!/^uv==/{on=0} on' requirements/dev.txt >requirements/uv.txt

clean: ## remove the environment and local state (studies' results too)
	rm -rf $(VENV) .polyglot out
