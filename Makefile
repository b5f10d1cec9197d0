# make run [ARGS=...]    the whole system; the first time it makes .venv and builds   (ARGS="--for 30", ARGS="--home DIR" ...)
# make test [ARGS=...]   the C++ and the Python tests                                 (ARGS="tests/gcg_quant -k clock" ...)
# make lint              ruff, clang-format, mypy
# make types             mypy alone
# make format            put the code into shape
# make docs              write docs/settings.md anew
# make bench [ARGS=...]  the benchmarks
# make torture           the journal and trading under death, damage and data races for half an hour   (SECONDS=600)
# make clean             remove what was built; .venv and gcg_home stay

SHELL := /bin/bash
.DEFAULT_GOAL := run
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: run test lint types format docs bench torture clean force

ROOMS := data_collector data_storage strategy_engine backtest visualization admin
PYTHON_BIN := .venv/bin/python
NATIVE := $(shell find native/include native/src -name '*.h' -o -name '*.cpp')
CPP := $(shell find native -name '*.h' -o -name '*.cpp' | grep -v native/build)
ARGS ?=
SECONDS ?= 1800

ifeq ($(wildcard gcg_quant/_native*.so),)
$(shell rm -f .venv/native.stamp)
endif

run: .venv/run.stamp .venv/native.stamp
	@$(PYTHON_BIN) -m gcg_quant run $(ARGS)

test: .venv/dev.stamp .venv/native.stamp
	@.ci/test $(ARGS)

lint: .venv/dev.stamp .venv/native.stamp
	$(PYTHON_BIN) -m ruff check .
	$(PYTHON_BIN) -m ruff format --check .
	.venv/bin/clang-format --dry-run -Werror $(CPP)
	@$(MAKE) -s types

# mypy finds no packages through an editable install, so it checks the tree as it is installed, made of links.
types: .venv/dev.stamp
	@stage=$$(mktemp -d) && trap "rm -rf $$stage" EXIT && mkdir $$stage/gcg_quant && \
	ln -s $(CURDIR)/gcg_quant/* $(ROOMS:%=$(CURDIR)/%) $$stage/gcg_quant/ && cd $$stage && \
	$(CURDIR)/$(PYTHON_BIN) -m mypy --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache -p gcg_quant

format: .venv/dev.stamp
	$(PYTHON_BIN) -m ruff check --fix .
	$(PYTHON_BIN) -m ruff format .
	.venv/bin/clang-format -i $(CPP)

docs: .venv/run.stamp .venv/native.stamp
	$(PYTHON_BIN) -c "from gcg_quant.settings import markdown; print(markdown(), end='')" > docs/settings.md

bench: .venv/dev.stamp .venv/bench.stamp .venv/native.stamp
	@for script in $(or $(ARGS),$(wildcard benchmarks/*.py)); do echo "== $$script" && $(PYTHON_BIN) $$script || exit 1; done

# Half of the time is the fuzzers', on every processor; compilers, models and sanitizers take what they need.
SHARE = $(shell expr $(SECONDS) / 12)
torture: .venv/dev.stamp .venv/native.stamp
	@$(MAKE) -s -C native torture SECONDS=$(SHARE) FUZZ_SECONDS=$(shell expr $(SECONDS) / 2)
	@echo "== The recorder's database ahead of the journal and behind it ($(SHARE) s)"
	@GCG_TORTURE_S=$(SHARE) $(PYTHON_BIN) -m pytest -q tests/data_storage/test_power_loss.py tests/data_storage/test_recorder_kill.py
	@echo "== The trading engine and its venue killed at any moment"
	@GCG_TORTURE_S=$(SHARE) $(PYTHON_BIN) -m pytest -q -o timeout=1800 tests/strategy_engine/test_venue_restart.py \
		tests/strategy_engine/test_trading_restart.py tests/strategy_engine/test_offsets_restart.py tests/strategy_engine/test_paper_restart.py
	@echo "== Both ends of a bridge and its Redis killed at random ($(SHARE) s)"
	@GCG_TORTURE_S=$(SHARE) $(PYTHON_BIN) -m pytest -q tests/data_storage/bridge/test_bridge_kill.py
	@echo "== Crypto collectors and gateways at both exchanges over bad networks, killed at random"
	@GCG_TORTURE_S=$(SHARE) $(PYTHON_BIN) -m pytest -q -o timeout=1800 tests/data_collector/crypto/test_faults.py tests/strategy_engine/crypto/test_faults.py
	@echo "== Every collector over faults at random, all at once: they mostly wait ($(SHARE) s)"
	@GCG_SOAK_S=$(SHARE) $(PYTHON_BIN) -m pytest -q -n 10 tests/data_collector/*/test_soak.py
	@echo "== Every view by the accessibility checker, every figure of the benchmarks, a month of 300 restarts"
	@GCG_TORTURE_S=$(SHARE) GCG_QUANT_MONTH_RESTARTS=300 GCG_QUANT_REST_EXAMPLES=20 $(PYTHON_BIN) -m pytest -q tests/admin/pages/test_views.py \
		tests/benchmarks tests/admin/test_month.py tests/admin/test_rest_schema.py
	@echo "== Every property and every set-up with all its examples"
	@GCG_TORTURE_S=$(SHARE) GCG_EXAMPLES=1000 $(PYTHON_BIN) -m pytest -q -o timeout=1800 $$(grep -rl --include='test_*.py' "^from torture import" tests)
	@echo "ok   make torture found nothing"

clean:
	rm -rf build dist *.egg-info gcg_quant/*.so .mypy_cache .ruff_cache .pytest_cache .hypothesis .venv/*.stamp
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
	@$(MAKE) -s -C native clean

# Installed anew when the metadata or the list of packages changes, rebuilt when a native source is newer; else nothing is done.
.venv/run.stamp: pyproject.toml setup.py build/packages
	@.ci/prepare run

.venv/dev.stamp: pyproject.toml setup.py build/packages
	@.ci/prepare dev

.venv/bench.stamp: pyproject.toml | .venv/dev.stamp
	@.ci/prepare bench

.venv/native.stamp: $(NATIVE) | .venv/run.stamp
	@echo "Building the native extension"
	@$(PYTHON_BIN) setup.py -q build_ext --inplace
	@touch $@

build/packages: force
	@mkdir -p build && echo $(sort $(shell find gcg_quant $(ROOMS) -name __init__.py)) > $@.$$PPID && \
	if cmp -s $@.$$PPID $@; then rm $@.$$PPID; else mv $@.$$PPID $@; fi
