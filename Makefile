# Commands of the project. `make help` lists them. Needs make, git and a Python 3.11 to 3.13; no root, no Docker.
SHELL := /bin/sh
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
READY := .venv/.ready
TOOLS := .venv/.tools
# Processes that run tests: much of their time is waiting.
AT_ONCE ?= 3
# Scenarios measure times, and have workers of their own.
SCENARIOS_AT_ONCE ?= 2
LIBRARY ?=
LABELLED ?=
# The shell reads them from its environment: a name may hold quotes.
export LIBRARY LABELLED

# Python comes from the machine, packages from the lock file: nothing else is downloaded.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv

.DEFAULT_GOAL := help
.PHONY: help setup parquet run web page test unit chaos hostile fuzz fmt lint check bench clean

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
	  printf '  make %-8s %s\n' "$$name" "$$text"; done

setup: $(READY) ## build .venv from the lock file; starts nothing

.tools/bin/uv:
	@echo "fetching uv, which builds .venv: 60 MB on disk" >&2
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11 to 3.13 is needed; name one with make PYTHON=..." >&2; exit 1; }
	@rm -rf .tools
	@$(PYTHON) -m venv .tools >/dev/null 2>&1 || { rm -rf .tools; \
	  echo "$(PYTHON) cannot make virtual environments: install its venv module, or name another with make PYTHON=..." >&2; exit 1; }
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

SYNC = .tools/bin/uv sync --quiet --locked --all-extras --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
# What the command and the private services load. Its bytecode is written here, once; that of all packages would take
# 100 MB more.
LOADED := samplemind_cli.app samplemind_cli.client samplemind_worker.app samplemind_worker.pipeline.analyze \
  samplemind_worker.local_services.supervisor samplemind_worker.store.vectors celery.bin.celery celery.concurrency.prefork \
  celery.concurrency.thread flower.command samplemind_web.server
comma := ,
empty :=

# Installs what a user needs. Parquet (a fifth of the whole), what runs separation models, and the tools of development
# are added by the first command that needs them, and then stay.
WITHOUT_PARQUET = $(if $(wildcard .venv/lib/python*/site-packages/pyarrow),,--no-extra parquet)
WITHOUT_STEMS = $(if $(wildcard .venv/lib/python*/site-packages/onnxruntime),,--no-extra stems)
USERS = $(if $(wildcard $(BIN)/pytest),,--no-dev)
$(READY): uv.lock pyproject.toml .tools/bin/uv
	@echo "setting up .venv, once: 250 MB of packages to fetch, 800 MB on disk" >&2
	@$(SYNC) $(if $(USERS),$(USERS) $(WITHOUT_PARQUET) $(WITHOUT_STEMS))
	@echo "compiling what is loaded most" >&2
	@$(BIN)/python -m compileall -q samplemind_cli samplemind_web samplemind_worker tasks config
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -c 'import $(subst $(empty) $(empty),$(comma),$(strip $(LOADED)))'
	@echo "compiling the analysis for this processor: takes up to a minute" >&2
	@$(BIN)/python -m samplemind_worker.lifecycle warm-up
	@touch $@

parquet: $(READY) ## add what `samplemind export --format parquet` needs: 170 MB more on disk
	@$(SYNC) $(if $(USERS),$(USERS) $(WITHOUT_STEMS))

$(TOOLS): $(READY)
	@echo "adding the tools of development to .venv, once: 850 MB more on disk" >&2
	@$(SYNC) --compile-bytecode
	@touch $@

run: $(READY) ## analyse LIBRARY=path (or a demonstration library that it makes) and print the results
	@if [ -z "$$LIBRARY" ]; then $(BIN)/python -m samplemind_worker.demo demo-library; fi
	@$(BIN)/samplemind submit --wait --stop-after -- "$${LIBRARY:-demo-library}"; code=$$?; \
	if [ $$code -lt 2 ]; then printf '%s\n' "" "Go on with:" \
	  "  $(BIN)/samplemind show FILE         what is known of one file" \
	  "  $(BIN)/samplemind similar FILE      what sounds like it" \
	  "  $(BIN)/samplemind export last -o results.csv" \
	  "  $(BIN)/samplemind help              all commands" \
	  "They start the private services again; \`$(BIN)/samplemind down\` stops them." >&2; fi; exit $$code

NODE := .venv/.node
$(NODE): $(READY)
	@echo "adding Node, which builds the page: 130 MB more on disk" >&2
	@$(SYNC) --group page $(if $(USERS),$(USERS) $(WITHOUT_PARQUET) $(WITHOUT_STEMS))
	@touch $@

PAGE := samplemind_web/page
IN_PAGE = cd $(PAGE) && PATH="$(CURDIR)/$(BIN):$$PATH"
# What only checks need, such as a browser, is left out of a user's page.
$(PAGE)/node_modules/.built-from: $(PAGE)/package-lock.json $(NODE)
	@echo "fetching what the page is built from, once" >&2
	@$(IN_PAGE) npm ci --silent $$([ -x "$(CURDIR)/$(BIN)/pytest" ] || echo --omit=dev)
	@touch $@

$(PAGE)/node_modules/.checked-with: $(TOOLS) $(PAGE)/node_modules/.built-from
	@[ -d $(PAGE)/node_modules/vitest ] || ($(IN_PAGE) npm ci --silent)
	@touch $(PAGE)/node_modules/.built-from $@

$(PAGE)/dist/index.html: $(PAGE)/node_modules/.built-from $(wildcard $(PAGE)/*.ts $(PAGE)/*.json $(PAGE)/*.html) \
  $(shell find $(PAGE)/src $(PAGE)/public -type f ! -name schema.d.ts)
	@$(IN_PAGE) npm run --silent build -- --logLevel warn
	@touch $@

page: $(PAGE)/dist/index.html ## build the page that `samplemind web` serves

web: $(READY) page ## open the library in a browser, and analyse LIBRARY=path meanwhile if it is given
	@if [ -n "$$LIBRARY" ]; then $(BIN)/samplemind submit -- "$$LIBRARY" & fi; exec $(BIN)/samplemind web

test: $(TOOLS) page $(PAGE)/node_modules/.checked-with ## all tests, with real services of their own
	@($(IN_PAGE) npm run --silent test)
	$(BIN)/python -m pytest -n $(AT_ONCE) --dist loadfile --no-loadscope-reorder

unit: $(TOOLS) ## the fast tests, without services
	$(BIN)/python -m pytest tests/unit tests/architecture

chaos: $(TOOLS) ## kill, cut, fill and poison everything, and print what was lost (Linux, as root for its small disks)
	$(BIN)/python -m pytest tests/chaos -m "chaos or not chaos" -n $(SCENARIOS_AT_ONCE) --dist worksteal
	$(BIN)/python -m pytest tests/hosts -m "chaos or not chaos"
	$(BIN)/python -m pytest tests/integration -m chaos

hostile: $(TOOLS) ## bad files, names, archives, queries and URLs, through the real command
	$(BIN)/python -m pytest tests/hostile -m "hostile or not hostile"

COUNT ?= 10000
SEED ?= 0
fuzz: $(TOOLS) ## have real workers analyse COUNT=10000 damaged files (SEED=0); failing ones are kept in fuzz-failures
	$(BIN)/python -m tests.hostile.fuzz --count $(COUNT) --seed $(SEED)

fmt: $(TOOLS) $(PAGE)/node_modules/.checked-with ## format the code
	@$(IN_PAGE) npm run --silent format
	$(BIN)/ruff check --fix --quiet --exit-zero
	$(BIN)/ruff format

lint: $(TOOLS) $(PAGE)/node_modules/.checked-with ## style, types, import contracts, deployment files, the reference
	$(BIN)/python -m samplemind_web.openapi > $(PAGE)/openapi.json
	@($(IN_PAGE) npm run --silent types && npm run --silent check)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-cache
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml deployment/compose-nightly.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml
	$(BIN)/python -m tests.manifests
	$(BIN)/python -m tests.reference_pages --check
	$(BIN)/hadolint deployment/Dockerfile

check: lint test ## what CI runs

bench: $(TOOLS) page $(PAGE)/node_modules/.checked-with ## accuracy (of LABELLED=folder with a manifest.csv), and speed as ratios against a reference in the same run
	$(BIN)/python -m benchmarks.accuracy $${LABELLED:+"$$LABELLED"}
	$(BIN)/python -m benchmarks.likeness $${LABELLED:+"$$LABELLED"}
	$(BIN)/python -m benchmarks.engine
	$(BIN)/python -m benchmarks.sandbox
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.hosts
	$(BIN)/python -m benchmarks.record
	$(BIN)/python -m benchmarks.duplicates $${LABELLED:+"$$LABELLED"}
	$(BIN)/python -m benchmarks.export
	$(BIN)/python -m benchmarks.crowd
	$(BIN)/python -m benchmarks.search --entries $${ENTRIES:-100000}
	$(BIN)/python -m benchmarks.terminal --entries $${ENTRIES:-100000}
	$(BIN)/python -m benchmarks.cache
	$(BIN)/python -m benchmarks.similar
	$(BIN)/python -m benchmarks.stems
	$(BIN)/python -m benchmarks.sound_map $${LABELLED:+"$$LABELLED"}
	$(BIN)/python -m benchmarks.web --entries $${ENTRIES:-100000}
	$(BIN)/python -m tests.load.streams
	$(BIN)/python -m benchmarks.page --entries $${ENTRIES:-100000}

clean: ## remove what was built here
	rm -rf .venv .tools $(PAGE)/node_modules $(PAGE)/dist demo-library fuzz-failures .pytest_cache .ruff_cache .import_linter_cache
