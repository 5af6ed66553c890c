# What a person runs; CI runs the same. Every target sets itself up: python3, pip and make are enough.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export SAM_CLI_TELEMETRY := 0
# Without bytecode the SAM CLI alone compiles a thousand modules on every start.
unexport PYTHONDONTWRITEBYTECODE

UV_VERSION := 0.13.9
UV := .tools/uv/bin/uv
BIN := .venv/bin
PY := $(BIN)/python

.PHONY: help setup demo test check policy prove fuzz bench build fmt events rules verifier invoke lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

DEMO := .venv/.ready .tools/sam/.ready .tools/ministack/.ready .tools/driver/.ready
OTHERS := .tools/checkov/.ready .tools/qldbshell/.ready .tools/node-driver/.ready .tools/browser/.ready

setup: $(DEMO) $(OTHERS)  ## the project's environments, from the lock files

demo: $(DEMO)  ## ledger, driver and pipeline on this machine, with an attacker in it (under two minutes)
	$(BIN)/counterfoil demo

test: setup  ## every test
	$(BIN)/pytest -n 2 --dist loadgroup

check: .venv/.ready .tools/sam/.ready .tools/node/.ready policy  ## lint, types, imports, template and the fast tests (a minute or two)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy functions/*/app.py
	$(BIN)/lint-imports --no-cache
	.tools/sam/bin/cfn-lint template.yaml standby.yaml qldb.yaml
	$(BIN)/pytest -q -n 2 tests/unit tests/golden tests/handlers --ignore tests/unit/lab \
	  --ignore tests/unit/cli --ignore tests/golden/test_verifier_alone.py

policy: .tools/checkov/.ready  ## the templates against checkov's policies, but for what .checkov.yaml explains
	.tools/checkov/bin/checkov --config-file .checkov.yaml

prove: setup .tools/fuzz/.ready  ## long properties and simulations, fuzzing, and the mutants that must all be caught
	COUNTERFOIL_PROVE=1 $(BIN)/pytest -n 2 --dist loadgroup tests/property tests/simulation tests/contract tests/fuzz
	.tools/fuzz/bin/python -m tests.fuzz.run
	$(PY) tests/mutants.py

fuzz: .tools/fuzz/.ready  ## fuzz parsers: make fuzz [PARSER=name] [COUNTERFOIL_FUZZ_SECONDS=60]
	.tools/fuzz/bin/python -m tests.fuzz.run $(PARSER)

bench: setup .tools/incumbent/.ready  ## speed and size, as ratios against peers and limits
	$(PY) -m benchmarks

build: .tools/sam/.ready .venv/.ready  ## what `sam deploy` uploads, without Docker
	UV="$(CURDIR)/$(UV)" PATH="$(CURDIR)/$(BIN):$$PATH" .tools/sam/bin/sam build

fmt: .venv/.ready  ## format and fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

events: .venv/.ready  ## write events/ anew from real blocks
	$(PY) -m lab.events

rules: .venv/.ready  ## check the shipped rules with their tests, and write the trees of their conditions
	$(PY) -m lab.rules

verifier: .venv/.ready  ## verifiers without dependencies, into dist/: one to be read, the whole one as a file and a wheel, a page
	$(PY) -m lab.plain_verifier
	$(PY) -m lab.standalone
	$(PY) -m lab.verifier_page

invoke: setup  ## run one event through its function without Docker: make invoke EVENT=events/<name>.json
	$(PY) -m lab.invoke $(EVENT)

lock: $(UV)  ## resolve the dependencies anew
	$(UV) pip compile -q pyproject.toml --universal --generate-hashes --python-version 3.13 --custom-compile-command 'make lock' --upgrade \
	  --no-emit-package boto3 --no-emit-package botocore --no-emit-package s3transfer --no-emit-package numpy \
	  --no-emit-package python-dateutil --no-emit-package six --no-emit-package urllib3 -o layers/counterfoil/requirements.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.13 --custom-compile-command 'make lock' --upgrade --group sealing \
	  --no-emit-package pycparser -o layers/counterfoil/requirements-sealing.txt
	$(UV) pip compile -q pyproject.toml --universal --generate-hashes --python-version 3.13 --custom-compile-command 'make lock' --upgrade --extra cli --group dev -o requirements/dev.txt
	$(UV) pip compile -q pyproject.toml --universal --generate-hashes --python-version 3.13 --custom-compile-command 'make lock' --upgrade --extra cli --group fuzz -o requirements/fuzz.txt
	for group in sam checkov emulator incumbent driver node; do \
	  $(UV) pip compile -q --universal --generate-hashes --python-version 3.13 --custom-compile-command 'make lock' --upgrade --group $$group -o requirements/$$group.txt; \
	done
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.13 --custom-compile-command 'make lock' --upgrade --group qldbshell \
	  --override requirements/qldbshell.overrides -o requirements/qldbshell.txt

clean:  ## remove what the targets made
	rm -rf .venv .tools .aws-sam .lab .build

$(UV):
	python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .tools/uv uv==$(UV_VERSION)

.venv/.ready: requirements/dev.txt pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python 3.13 .venv
	$(UV) pip sync --quiet --python $(PY) --require-hashes requirements/dev.txt
	$(UV) pip install --quiet --python $(PY) --no-deps --editable .
	touch $@

.tools/sam/.ready: requirements/sam.txt | $(UV)
.tools/checkov/.ready: requirements/checkov.txt | $(UV)
.tools/ministack/.ready: requirements/emulator.txt | $(UV)
.tools/incumbent/.ready: requirements/incumbent.txt | $(UV)
.tools/driver/.ready: requirements/driver.txt | $(UV)
.tools/qldbshell/.ready: requirements/qldbshell.txt | $(UV)
.tools/node/.ready: requirements/node.txt | $(UV)
.tools/fuzz/.ready: requirements/fuzz.txt | $(UV)
.tools/node-driver/.ready: tests/end_to_end/node/package.json tests/end_to_end/node/package-lock.json .tools/node/.ready
	mkdir -p $(@D)
	cp tests/end_to_end/node/package.json tests/end_to_end/node/package-lock.json $(@D)
	PATH="$(CURDIR)/.tools/node/bin:$$PATH" npm ci --prefix $(@D) --silent --no-audit --no-fund --ignore-scripts
	touch $@
.tools/browser/.ready: tests/browser/package.json tests/browser/package-lock.json tests/browser/unpack.mjs .tools/node/.ready
	mkdir -p $(@D)/libraries $(@D)/fonts
	cp tests/browser/package.json tests/browser/package-lock.json $(@D)
	PATH="$(CURDIR)/.tools/node/bin:$$PATH" npm ci --prefix $(@D) --silent --no-audit --no-fund --ignore-scripts
	.tools/node/bin/node tests/browser/unpack.mjs $(@D)
	tar -xf $(@D)/libraries.tar -C $(@D)/libraries --strip-components 1
	tar -xf $(@D)/fonts.tar -C $(@D)/fonts --strip-components 1
	rm -rf $(@D)/node_modules $(@D)/*.tar
	touch $@
.tools/%/.ready:
	$(UV) venv --quiet --allow-existing --python 3.13 .tools/$*
	$(UV) pip sync --quiet --python .tools/$*/bin/python --require-hashes $<
	touch $@
