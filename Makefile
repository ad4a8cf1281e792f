# The commands of the house. The first run of any of them installs what it needs into .venv and .yibao.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
export PYTHONDONTWRITEBYTECODE ?=

.PHONY: run test pictures check format bench clean-data pins

run: $(VENV)/.installed
	@$(RUN)/yibao demo

test: $(VENV)/.installed
	@$(RUN)/python -m tests.assets
	@$(RUN)/pytest -n auto --dist worksteal

# The pictures in docs/ are made by the journeys themselves.
pictures: $(VENV)/.installed
	@$(RUN)/python -m tests.assets
	@YIBAO_PICTURES=1 $(RUN)/pytest tests/journeys/test_first_settlement.py

check: $(VENV)/.installed
	@$(RUN)/ruff format --check .
	@$(RUN)/ruff check .
	@$(RUN)/lint-imports
	@$(RUN)/mypy

format: $(VENV)/.installed
	@$(RUN)/ruff format .
	@$(RUN)/ruff check --fix .

bench: $(VENV)/.bench
	@$(RUN)/yibao bench

clean-data: $(VENV)/.installed
	@$(RUN)/yibao clean-data

# Rewrites both files of requirements from pyproject.toml: exact versions with hashes, no download addresses.
pins: $(VENV)/.installed
	@$(RUN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --upgrade -q -o requirements.txt
	@$(RUN)/uv pip compile --group bench --universal --generate-hashes --upgrade -q -c requirements.txt -o requirements-bench.txt

$(VENV)/.installed: requirements.txt pyproject.toml
	@echo "正在安装运行环境（首次约一分钟）……"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(RUN)/pip install -q --require-hashes -r requirements.txt
	@$(RUN)/pip install -q --no-build-isolation --no-deps -e .
	@touch $@

# What the engine is measured against; only `make bench` needs it.
$(VENV)/.bench: $(VENV)/.installed requirements-bench.txt
	@$(RUN)/pip install -q --require-hashes -r requirements-bench.txt
	@touch $@
