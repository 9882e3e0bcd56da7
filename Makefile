# make demo   a table into ClickSend, and ClickSend into a real PostgreSQL, through Meltano, all on this machine
# make psql   a look at the demo's warehouse
# make warehouse  the demo's warehouse, running until Ctrl-C, for notebooks and other programs
# make notebooks  the notebooks on the demo's warehouse, in an environment of their own
# make gallery  docs/gallery anew: the notebooks as pages, on the demo's warehouse
# make airflow  an environment with Airflow and the provider, in .airflow
# make airflow-demo  scheduler and web page over the demo's data, until Ctrl-C
# make test   linters, types and the tests
# make test-long  the same in full: every pipeline and combination, 100 kills each, 500 random walks, all mutants
# make mutants  small changes of the modules changed since the last commit, that a test must notice (ARGS=clicksend/ledger)
# make bench  rows per second next to a bare loop (ARGS="--rows 10000 --repeats 1" for a short one)
# make audit  what should not be in code, dependencies and history; in an environment of its own
# make lock   the requirement files anew, from pyproject.toml (ARGS=--upgrade for newer versions)
# Paths are relative on purpose: the checkout may lie in a folder with spaces.

CANDIDATES = python3.14 python3.13 python3.12 python3.11 python3
PYTHON = $(shell command -v uv >/dev/null && needs=sys || needs='ensurepip, sys, venv'; \
	for p in $(CANDIDATES); do "$$p" -c "import $$needs; sys.exit(sys.version_info < (3, 11))" 2>/dev/null \
	&& { command -v "$$p"; break; }; done)
BIN = .venv/bin
COMPILE = "$$UV" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock"
# pipelinewise-tap-postgres asks for 2.9.5, which has no wheels for Python 3.12 and later
PSYCOPG2 = psycopg2-binary~=2.9.10
# downloads a program while it installs, and dbt does without it
PARSER = dbt-core-experimental-parser; python_version < '3'

# Without compiled files every Python that the tests start compiles again what it imports.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

.PHONY: demo psql warehouse notebooks gallery airflow airflow-demo test test-long mutants bench audit lint format lock clean

demo: .venv/demo.stamp
	@$(BIN)/python -m demo $(ARGS)

psql: .venv/demo.stamp
	@$(BIN)/python -m demo --psql

notebooks: .venv/demo.stamp .notebooks/stamp
	@$(BIN)/python -m demo --notebooks=$(CURDIR)/.notebooks/bin/jupyter

gallery: .venv/demo.stamp .notebooks/stamp
	@$(BIN)/python -m demo --gallery=$(CURDIR)/.notebooks/bin/python

warehouse: .venv/demo.stamp
	@$(BIN)/python -m demo --warehouse

airflow: .airflow/stamp

airflow-demo: .venv/demo.stamp .airflow/stamp
	@$(BIN)/python -m demo --airflow=$(CURDIR)/.airflow/bin/python

test: lint
	$(BIN)/python -m pytest -n 3 --dist worksteal

test-long: .venv/test.stamp
	CLICKSEND_TESTS=full $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
	$(BIN)/python -m tests.mutants

mutants: .venv/test.stamp
	$(BIN)/python -m tests.mutants $(or $(ARGS),--changed)

bench: .venv/test.stamp
	@$(BIN)/python -m tests.bench $(ARGS) && $(BIN)/python -m tests.bench.target && $(BIN)/python -m tests.bench.models && $(BIN)/python -m tests.bench.scale

audit: .audit/stamp
	@.audit/bin/python tools/audit.py

lint: .venv/test.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m mypy

format: .venv/test.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# ClickSend's own client stands in a folder of its own: its package is called clicksend, as ours is.
.venv/test.stamp: requirements-clicksend-client.txt
.venv/test.stamp: APART = clicksend-client

# The virtual environment is remade only when its requirements change. uv is faster; pip does as well.
.venv/%.stamp: requirements-%.txt pyproject.toml
	@set -e; PYTHON="$(PYTHON)"; \
	test -n "$$PYTHON" || { echo "No Python 3.11 or newer with venv and ensurepip found (Debian: apt install" \
		"python3-venv); name one with: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }; \
	if $(BIN)/python -c '' 2>/dev/null; then NEW=; else NEW=1; rm -rf .venv; fi; \
	if command -v uv >/dev/null; then \
		PIP="uv pip install --quiet --python $(BIN)/python"; test -z "$$NEW" || uv venv --quiet --python "$$PYTHON" .venv; \
	else \
		PIP="$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check"; test -z "$$NEW" || "$$PYTHON" -m venv .venv; \
	fi; \
	echo "Installing $< into .venv"; \
	$$PIP --require-hashes -r $<; $$PIP --no-deps --no-build-isolation -e .; \
	for name in $(APART); do rm -rf ".venv/$$name"; \
		$$PIP --require-hashes --target ".venv/$$name" -r "requirements-$$name.txt"; done
	@touch $@

.notebooks/stamp: requirements-notebooks.txt pyproject.toml
	@rm -rf .notebooks; "$(PYTHON)" -m venv .notebooks; echo "Installing $< into .notebooks"
	@PIP=".notebooks/bin/python -m pip install -qq --disable-pip-version-check"; \
	$$PIP --require-hashes -r $< && $$PIP --no-deps --no-build-isolation -e .
	@touch $@

# Its own resolver is as fast as it gets: pip takes minutes for so many
.airflow/stamp: requirements-airflow.txt pyproject.toml .venv/demo.stamp
	@UV=$$($(BIN)/python -c 'import uv; print(uv.find_uv_bin())'); set -e; rm -rf .airflow; \
	echo "Installing $< into .airflow"; "$$UV" venv --quiet --python $(BIN)/python .airflow; \
	pip() { "$$UV" pip install --quiet --python .airflow/bin/python --no-deps "$$@"; }; \
	pip --require-hashes -r $<; pip --no-build-isolation -e .
	@touch $@

.audit/stamp: requirements-audit.txt
	@rm -rf .audit; "$(PYTHON)" -m venv .audit
	@.audit/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@

lock: .venv/demo.stamp
	@UV=$$($(BIN)/python -c 'import uv; print(uv.find_uv_bin())'); set -e; \
	$(COMPILE) pyproject.toml --extra postgres --extra sandbox --group demo -o requirements-demo.txt $(ARGS); \
	$(COMPILE) pyproject.toml --extra postgres --extra sandbox --extra arrow --group test -c requirements-demo.txt -o requirements-test.txt $(ARGS); \
	$(COMPILE) --group audit -o requirements-audit.txt $(ARGS); \
	$(COMPILE) --group loader -o requirements-loader.txt $(ARGS); \
	$(COMPILE) --group loader-files -c requirements-loader.txt -o requirements-loader-files.txt $(ARGS); \
	$(COMPILE) pyproject.toml --extra arrow --extra postgres --extra s3 --group s3 -o requirements-s3.txt $(ARGS); \
	$(COMPILE) pyproject.toml --extra sandbox --extra spark --group spark -c requirements-demo.txt -o requirements-spark.txt $(ARGS); \
	$(COMPILE) --group extractor -o requirements-extractor.txt $(ARGS); \
	$(COMPILE) --no-strip-extras --group dbt -o requirements-dbt.txt $(ARGS); \
	$(COMPILE) --no-strip-extras --group dbt-engines -c requirements-dbt.txt -o requirements-dbt-engines.txt $(ARGS); \
	echo "$(PARSER)" | $(COMPILE) --no-strip-extras --overrides /dev/stdin --group dbt-next -o requirements-dbt-next.txt $(ARGS); \
	$(COMPILE) --group clicksend-client -o requirements-clicksend-client.txt $(ARGS); \
	$(COMPILE) pyproject.toml --extra arrow --extra postgres --group notebooks --group build -c requirements-demo.txt -o requirements-notebooks.txt $(ARGS); \
	$(COMPILE) pyproject.toml --extra airflow --extra postgres --group airflow --group build -c requirements-demo.txt -o requirements-airflow.txt $(ARGS); \
	$(COMPILE) --group tap-csv -o requirements-tap-csv.txt $(ARGS); \
	echo "$(PSYCOPG2)" | $(COMPILE) --overrides /dev/stdin --group tap-pipelinewise -o requirements-tap-pipelinewise.txt $(ARGS); \
	$(COMPILE) --group tap-spreadsheets -o requirements-tap-spreadsheets.txt $(ARGS)

clean:
	rm -rf .venv .airflow .audit .notebooks .demo .meltano .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis dist
