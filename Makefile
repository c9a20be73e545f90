# Everything is made below this folder, in .venv; a machine needs Python 3.11 or newer and make.
# uv is used when it is there, else venv and pip: the locks and their hashes are the same.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Many real processes are started by the tests; without it each compiles the whole house anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  ARGS goes to the command: make demo ARGS="--tour --json", make test ARGS="-k tour"'

.PHONY: demo
demo: $(VENV)/.demo ## Start everything on this machine and print the page's address
	@exec $(BIN)/deskhand demo $(ARGS)

.PHONY: install
install: $(VENV)/.install ## Install what runs into .venv, without starting anything
	@echo 'The command is $(BIN)/deskhand'

.PHONY: telemetry
telemetry: $(VENV)/.telemetry ## Install what sends traces to a collector, beside what runs

.PHONY: test
test: $(VENV)/.dev ## Run the tests, six files at a time (much of it waits); ARGS="-n 0 -k tour" runs some of them one by one
	@exec $(BIN)/python -m pytest -n 6 --dist loadfile $(ARGS)

.PHONY: check
check: $(VENV)/.dev ## Run what CI runs: format, lint, types, layers, tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) test

.PHONY: check-databases
check-databases: $(VENV)/.dev ## Run every test that needs a database on SQLite and on PostgreSQL, not only those of bot/store
	@$(MAKE) test ARGS="--both-databases $(ARGS)"

.PHONY: check-long
check-long: $(VENV)/.dev ## Let two hundred people meet an outage, and play a hundred lives of a handoff
	@DESKHAND_TEST_LONG=1 exec $(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS) $$(grep -rl --include='test_*.py' 'import volume$$' tests)

.PHONY: check-inspect
check-inspect: $(VENV)/.dev ## Let inspect-ai's own reader open an exported evaluation (in an environment of its own)
	@$(MAKE) $(VENV)/inspect/.ready
	@exec $(BIN)/python -m pytest -n 0 tests/bot/evals/test_export.py

.PHONY: fix
fix: $(VENV)/.dev ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

.PHONY: bench
bench: $(VENV)/.dev ## Measure everything; one JSON object on the last line
	@exec $(BIN)/python -m tests.benchmarks $(ARGS)

.PHONY: bench-worker
bench-worker: $(VENV)/.dev ## Turns in flight per GiB, beside other queues (installs them into .venv)
	@$(MAKE) $(VENV)/.bench || echo 'make: the other queues are not here; their rows will be null' >&2
	@exec $(BIN)/python -m tests.benchmarks worker

.PHONY: bench-turn
bench-turn: $(VENV)/.dev ## What a turn adds to the model's own time; ARGS="--against REV" compares with another build
	@exec $(BIN)/python -m tests.benchmarks turn $(ARGS)

.PHONY: bench-telemetry
bench-telemetry: $(VENV)/.dev ## What metrics and traces add to the CPU of a turn, on and off side by side
	@exec $(BIN)/python -m tests.benchmarks telemetry

.PHONY: bench-memory
bench-memory: $(VENV)/.dev ## Whether a worker grows over 10,000 turns
	@exec $(BIN)/python -m tests.benchmarks memory

.PHONY: bench-budget
bench-budget: $(VENV)/.dev ## How hard a cap is when 1,000 calls come at once, beside LiteLLM (in an environment of its own)
	@$(MAKE) $(VENV)/litellm/.ready || echo 'make: LiteLLM is not here; its row will be null' >&2
	@exec $(BIN)/python -m tests.benchmarks budget

.PHONY: bench-cost
bench-cost: $(VENV)/.dev ## How long the figures of /agent-cost take over a million calls, on both databases
	@exec $(BIN)/python -m tests.benchmarks cost

.PHONY: bench-audit
bench-audit: $(VENV)/.dev ## How many records a second a verification of the audit log takes, from an export and in both databases
	@exec $(BIN)/python -m tests.benchmarks audit

.PHONY: bench-audit-migration
bench-audit-migration: $(VENV)/.dev ## How long, and in how much memory, an audit log of a million records is chained (revision 0040)
	@exec $(BIN)/python -m tests.benchmarks audit-migration

.PHONY: bench-dashboard
bench-dashboard: $(VENV)/.dev ## How long the dashboard's figures take over a million turns, on both databases
	@exec $(BIN)/python -m tests.benchmarks dashboard

.PHONY: bench-erase
bench-erase: $(VENV)/.dev ## How long `person erase` takes in a database of 100,000 tickets, on both databases
	@exec $(BIN)/python -m tests.benchmarks erase

.PHONY: bench-eval
bench-eval: $(VENV)/.dev ## How long 150 cases take, each twice, beside the build before evaluations were jobs
	@exec $(BIN)/python -m tests.benchmarks eval

.PHONY: bench-redaction
bench-redaction: $(VENV)/.dev ## What redaction finds and harms, beside detect-secrets and Presidio (in an environment of their own)
	@$(MAKE) $(VENV)/redaction/.ready || echo 'make: the other libraries are not here; their rows will be null' >&2
	@exec $(BIN)/python -m tests.benchmarks redaction

.PHONY: hosts
hosts: $(VENV)/.dev ## Cut one of two worker hosts off and join it again (network namespaces: Linux, root)
	@exec $(BIN)/python -m tests.e2e.hosts $(ARGS)

.PHONY: chaos
chaos: $(VENV)/.dev ## Kill everything thousands of times and see that every request has one answer; ARGS="--kills 300"
	@exec $(BIN)/python -m tests.e2e.chaos $(ARGS)

.PHONY: chaos-budget
chaos-budget: $(VENV)/.dev ## Break the budgets in every way and see that no cap is passed; ARGS="--trials 3 --seed 7"
	@exec $(BIN)/python -m tests.bot.budget.trials $(ARGS)

.PHONY: hostile
hostile: $(VENV)/.dev ## Let one person do their worst beside twenty, and see that those are served; ARGS="--seconds 30"
	@exec $(BIN)/python -m tests.e2e.hostile $(ARGS)

.PHONY: lock
lock: ## Resolve the dependencies anew (needs uv); ARGS="--upgrade" takes newer ones
	uv pip compile pyproject.toml --group install $(LOCK) $(ARGS) -o requirements.lock
	uv pip compile pyproject.toml --extra telemetry --group install $(LOCK) $(ARGS) -c requirements.lock -o requirements-telemetry.lock
	uv pip compile pyproject.toml --extra demo --group install $(LOCK) $(ARGS) -c requirements.lock -o requirements-demo.lock
	uv pip compile pyproject.toml --extra demo --extra telemetry --extra dev --group install $(LOCK) $(ARGS) -c requirements-demo.lock -o requirements-dev.lock
	uv pip compile pyproject.toml --extra demo --extra telemetry --extra dev --extra bench --group install $(LOCK) $(ARGS) -c requirements-dev.lock -o requirements-bench.lock
	uv pip compile --group litellm $(LOCK) $(ARGS) -o requirements-litellm.lock
	uv pip compile --group inspect $(LOCK) $(ARGS) -o requirements-inspect.lock
	uv pip compile --group redaction $(LOCK) $(ARGS) -o requirements-redaction.lock
	@for lock in requirements*.lock; do awk '$(WITHOUT_EXTRAS)' $$lock > $$lock.new; mv $$lock.new $$lock; done

LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --no-strip-extras \
	--custom-compile-command "make lock"

# Beside each package with extras the same without them: one package may ask for it with, another without, and pip before
# 23.3 takes only what is locked under the very name that is asked for.
WITHOUT_EXTRAS := function put() { if (block ~ /^[a-z0-9.-]+\[[^]]*\]==/) \
	printf "%s%s", substr(block, 1, index(block, "[") - 1), substr(block, index(block, "]") + 1); \
	printf "%s", block; block = "" } \
	/^[^ ]/ { put() } { block = block $$0 "\n" } END { put() }

.PHONY: check-locks
check-locks: $(BIN)/python ## Install each lock by pip in an environment of its own, as on a machine without uv (long)
	@set -e; trap 'rm -rf $(VENV)/lock' EXIT; for lock in requirements*.lock; do \
		echo "make: installing from $$lock with pip" >&2; \
		rm -rf $(VENV)/lock; $(BIN)/python -m venv $(VENV)/lock; \
		$(VENV)/lock/bin/python -m pip install --quiet --require-hashes -r $$lock; \
	done

.PHONY: clean
clean: ## Remove what make made, the demo's state too
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find bot jobs tests -name __pycache__ -type d -prune -exec rm -rf {} +
	@for demo in .deskhand/demo .deskhand/demo-tour; do [ ! -f $$demo/mark ] || rm -rf $$demo; done

# --- the environment -------------------------------------------------------------------------------

$(VENV)/.install: requirements.lock pyproject.toml | $(BIN)/python
	$(call install,requirements.lock)
	@touch $@

$(VENV)/.telemetry: requirements-telemetry.lock pyproject.toml | $(BIN)/python
	$(call install,requirements-telemetry.lock)
	@touch $@ $(VENV)/.install

# A redis-server comes with it, which no installation needs.
$(VENV)/.demo: requirements-demo.lock pyproject.toml | $(BIN)/python
	$(call install,requirements-demo.lock)
	@touch $@ $(VENV)/.install

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(call install,requirements-dev.lock)
	@touch $@ $(VENV)/.demo $(VENV)/.telemetry $(VENV)/.install

$(VENV)/.bench: requirements-bench.lock pyproject.toml | $(BIN)/python
	$(call install,requirements-bench.lock)
	@touch $@ $(VENV)/.dev $(VENV)/.demo $(VENV)/.install

# They want other versions of what we use, so they never meet the rest.
$(VENV)/%/.ready: requirements-%.lock | $(BIN)/python
	@set -e; echo "make: installing from $< into $(@D)" >&2; rm -rf $(@D); \
	if command -v uv >/dev/null; then \
		uv venv --quiet --python $(BIN)/python $(@D) && \
		uv pip install --quiet --python $(@D)/bin/python --require-hashes -r $<; \
	else \
		$(BIN)/python -m venv $(@D) && \
		$(@D)/bin/python -m pip install --quiet --require-hashes -r $<; \
	fi || { rm -rf $(@D); exit 1; }  # a half-made environment would pass for a whole one
	@touch $@

# The locked packages first, each checked by its hash; then this checkout, with nothing fetched for it.
define install
@if command -v uv >/dev/null; then \
	set -e; echo "make: installing from $(1) with uv" >&2; \
	uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1); \
	uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
else \
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; \
	set -e; echo "make: installing from $(1) with pip" >&2; \
	$(BIN)/python -m pip install --quiet --require-hashes -r $(1); \
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .; \
fi
endef

$(BIN)/python:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		if command -v uv >/dev/null; then uv venv --quiet --python "$$python" $(VENV); \
		else "$$python" -m venv $(VENV); fi; \
		exit; \
	done; \
	echo 'make: no Python 3.11 or newer is on PATH; install one, or name it: make PYTHON=/path/to/python' >&2; \
	exit 1
