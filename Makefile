# Everything here runs in .venv, which is made on the way. `make` alone lists the targets.

PYTHON ?= python3
VENV   ?= .venv
PORT   ?= 8080
DATA   ?= ../shared/data
MODEL  ?= small

# Installed before what depends on it: named exactly, it is the plain CPU build where one is offered.
TORCH  := torch==2.13.0

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Training frees and takes the same gigabytes at every step. Kept, they cost no page faults: a third less time.
KEEP_MEMORY := MALLOC_TRIM_THRESHOLD_=4000000000 MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TOP_PAD_=67108864

.DEFAULT_GOAL := help
.PHONY: help serve test lint format bench bench-checkpoints train clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: $(VENV)/.run ## Serve the bundled model on PORT (8080)
	@exec $(BIN)/linnaeus serve --port $(PORT) --alias facebook/bart-large-mnli=default

test: $(VENV)/.dev ## Run the tests
	$(BIN)/python -m pytest

lint: $(VENV)/.dev ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/.dev ## Put the code in its style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.dev ## Measure speed, footprint and HTTP (with wrk), and write the figures down
	@$(PIP) --editable '.[train-base]'
	$(BIN)/python -m benchmarks speed --model large
	$(BIN)/python -m benchmarks speed --model base
	$(BIN)/python -m benchmarks speed --model small
	$(BIN)/python -m benchmarks footprint
	$(BIN)/python -m benchmarks http
	$(BIN)/python -m benchmarks render

bench-checkpoints: $(VENV)/.dev ## Measure full-size checkpoints beside their peers, and what memory does, for hours
	$(BIN)/python -m benchmarks checkpoints
	$(BIN)/python -m benchmarks parity
	$(BIN)/python -m benchmarks loads
	$(BIN)/python -m benchmarks requests
	$(BIN)/python -m benchmarks render

train: $(VENV)/.dev ## Make MODEL (small, base or large) from the sets in DATA (../shared/data)
ifneq ($(MODEL),small)
	@$(PIP) --editable '.[train-base]'
endif
	$(KEEP_MEMORY) $(BIN)/python -m training make $(MODEL) --data $(DATA)

clean: ## Remove the environment and all caches; training runs in build/ stay
	rm -rf $(VENV) dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pip is what `venv` makes last.
$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

# Stamps of what is installed: the package alone, and with all that development needs.
$(VENV)/.run: pyproject.toml | $(BIN)/pip
	@echo "Installing Linnaeus into $(VENV), once."
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/pip
	@echo "Installing Linnaeus and the tools of its development into $(VENV), once. This takes minutes."
	@$(PIP) $(TORCH)
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.run
