# Everything a user or developer calls; `make` alone lists it.
PYTHON ?= python3
BIN := .venv/bin
CORES ?= $(shell nproc)
BENCHED := results/quickstart
# In the order of their names: files of few tests are the long ones, and would otherwise come last, one core idle.
PYTEST = $(BIN)/python -m pytest -n $(CORES) --dist loadfile --no-loadscope-reorder
DOCUMENTED := increments faults wrong_configs hostile_data strange_tables strange_checkpoints \
	strange_attributions strange_scripts strange_places

.PHONY: help quickstart bench bench-gpu test operations validity rulegraph docs wheel lint format lock

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

.venv/installed: envs/requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r envs/requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

quickstart: .venv/installed  ## the default study on two cores, no GPU, no model hub
	@start=$$(date +%s) && \
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --cores $(CORES) --resources gpu=1 && \
	echo "report: $(CURDIR)/results/quickstart/report/index.html ($$(( $$(date +%s) - start )) s)"

bench: .venv/installed  ## the engine beside the stock libraries; what the edit of one student costs
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake $(BENCHED)/models/snippets-5/minilm-6/1/training.json \
		$(foreach split,train validation test,$(BENCHED)/data/snippets-5/$(split).parquet) \
		--cores $(CORES) --resources gpu=1
	$(BIN)/python -m bench
	OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false $(BIN)/python -m bench.host
	$(BIN)/python -m bench.increments
	$(BIN)/python -m bench.page

bench-gpu: .venv/installed  ## the engine and training on one GPU, in at most eight minutes
	$(BIN)/python -m bench.gpu

test: .venv/installed  ## the whole suite
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PYTEST) --durations 40

operations: .venv/installed  ## the tables of docs/operations.md, as the tests find them
	PATH="$(CURDIR)/$(BIN):$$PATH" DISTILLENS_WRITE_TABLES=1 $(PYTEST) \
		$(foreach part,$(DOCUMENTED),tests/workflow/test_$(part).py)

validity: .venv/installed  ## the table of docs/validity.md: the verdict on studies whose truth is known
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.audit.validity --workers $(CORES)

rulegraph: .venv/installed  ## the picture of the workflow (needs Graphviz)
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --configfile resources/studies/sst5.yaml --cores 1 --forceall \
		--rulegraph dot --quiet all | tred | dot -Tsvg -Gbgcolor=transparent -Nfontcolor=\#777777 | sed -n '/<svg/,$$p' \
		| sed 's/^<svg width="[^"]*" height="[^"]*"/<svg/' > resources/page/rulegraph.svg

docs: .venv/installed  ## the pages that are made of the schemas: docs/tables.md, docs/config.md
	$(BIN)/python -m docs.generate

wheel: .venv/installed  ## dist/*.whl, which carries the workflow and the command `distillens`
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

lint: .venv/installed  ## ruff, snakefmt and snakemake's own linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

format: .venv/installed  ## what can be put right by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

lock:  ## the newest versions that pyproject.toml allows
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --upgrade --upgrade-strategy eager --editable '.[run,adapters,scripts,dev]'
	$(BIN)/pip freeze --all --exclude-editable | grep -vE '^(setuptools|wheel)=' | sed 's/+cpu$$//' > envs/requirements.lock
