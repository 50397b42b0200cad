# The two commands: `make demo` renders the demo project, `make test` checks everything. Both set up what they need.

PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
	$(if $(shell $(name) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null),$(name))))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
QUALITY := .venv-quality
QUALITY_PIP := $(QUALITY)/bin/python -m pip --quiet --disable-pip-version-check
PINS := $(addprefix -c ,$(wildcard constraints/*.txt))
comma := ,
CODE := daemon tests docs projects

.PHONY: help setup setup-dev setup-quality quality-cpu quality-gpu postgres demo test lint unit quality bench faults fmt pins ci-tools clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(VENV)/base.stamp ## Koma in .venv, with the versions that were tested

setup-dev: $(VENV)/dev.stamp ## the same, and what the tests need

setup-quality: $(QUALITY)/quality.stamp ## .venv-quality, for the tests of the learned metrics

quality-cpu: setup ## the learned metrics in .venv, on the processor
	$(call learned,$(PIP),cpu,onnxruntime-gpu)

quality-gpu: setup ## the same, on an NVIDIA card
	$(call learned,$(PIP),gpu,onnxruntime)

postgres: setup ## what `store: postgresql://...` needs, in .venv
	@$(PIP) install --no-build-isolation $(PINS) -e '.[postgres]'

# The two ONNX runtimes own the same folder, so whoever changes over begins without either. insightface asks for the runtime of the
# processor and a second OpenCV, so it comes without what it asks for; the extras hold the rest of that.
define learned
	@! $(1) show $(3) >/dev/null 2>&1 || $(1) uninstall --yes onnxruntime onnxruntime-gpu
	@$(1) install --no-build-isolation $(PINS) -e '.[quality-$(2)$(4)]'
	@$(1) install --no-deps $(PINS) insightface
endef

$(VENV)/bin/python $(QUALITY)/bin/python:
	@test -n "$(PYTHON)" || { echo 'koma: needs Python 3.11 or later, and none was found.'; echo '  do: install it, or say where it is: make PYTHON=/path/to/python3'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'koma: needs Python 3.11 or later; $(PYTHON) is' "$$($(PYTHON) -V)"; exit 1; }
	@$(PYTHON) -m venv $(@D:/bin=) || { rm -rf $(@D:/bin=); echo 'koma: this Python can not make virtual environments.'; echo '  do: install its venv package (Debian: apt install python3-venv)'; exit 1; }

$(VENV)/base.stamp: $(VENV)/bin/python pyproject.toml constraints/build.txt constraints/base.txt
	@echo 'Setting up Koma in $(VENV) (this takes a minute the first time).'
	@$(PIP) install -r constraints/build.txt
	@$(PIP) install --no-build-isolation -c constraints/base.txt -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/base.stamp constraints/dev.txt
	@$(PIP) install --no-build-isolation -c constraints/base.txt -c constraints/dev.txt -e '.[dev]'
	@touch $@

$(QUALITY)/quality.stamp: $(QUALITY)/bin/python pyproject.toml $(wildcard constraints/*.txt)
	@echo 'Setting up what the learned metrics need in $(QUALITY) (a few minutes and gigabytes the first time).'
	@$(QUALITY_PIP) install -r constraints/build.txt
	$(call learned,$(QUALITY_PIP),cpu,onnxruntime-gpu,$(comma)dev)
	@touch $@

demo: setup ## render the demo project on this machine, without a server
	@$(BIN)/koma run --once
	@echo
	@echo 'Done. What was rendered lies in outputs/, one folder for each project, scene and shot:'
	@find outputs -name '*.mp4' -not -path '*/.koma/*' -not -path '*/takes/*' -not -name 'seg[0-9]*' | sort | sed 's/^/  /'
	@echo 'Pages of the characters, with their sheets, for a browser: outputs/lantern-street/characters/index.html'
	@echo 'Beside each file: *.gate.json (what was measured), *.receipt.json (how it was made), *.jpg (a poster).'
	@echo 'Run it again: nothing is left to do. Change a shot in projects/, look with $(BIN)/koma plan, run it again.'

test: lint unit quality ## formatter, linter, types, layering and all tests

lint: setup-dev ## all but the tests
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup-dev ## the tests that need no more than Koma itself
	$(BIN)/pytest -q -n 2 --ignore=tests/quality

quality: setup-quality ## the tests of the learned metrics
	$(QUALITY)/bin/pytest -q tests/quality

bench: setup-dev ## how fast it is, as ratios to ninja measured in the same run
	$(BIN)/python tests/benchmarks/run.py

faults: setup-dev ## what happens when things break: kills, full disks, lying servers; figures into tests/faults/README.md
	$(BIN)/python tests/faults/run.py --write

fmt: setup-dev ## format, and mend what the linter can mend
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

# torch and torchvision must match each other and what is offered for a machine without a card: the pair is changed here, by hand.
TORCH := torch==2.13.0 torchvision==0.28.0

pins: ## choose the newest versions that fit and write them to constraints/
	@rm -rf build/pins && $(PYTHON) -m venv build/pins
	@build/pins/bin/pip install --quiet hatchling editables
	@build/pins/bin/pip freeze > constraints/build.txt
	@build/pins/bin/pip install --quiet -c constraints/build.txt .
	@build/pins/bin/pip freeze --exclude koma | grep -vxFf constraints/build.txt > constraints/base.txt
	@build/pins/bin/pip install --quiet -c constraints/build.txt -c constraints/base.txt '.[dev]'
	@build/pins/bin/pip freeze --exclude koma | grep -vxFf constraints/build.txt | grep -vxFf constraints/base.txt > constraints/dev.txt
	@build/pins/bin/pip install --quiet $(TORCH) -c constraints/build.txt -c constraints/base.txt -c constraints/dev.txt '.[dev,quality-cpu]'
	@build/pins/bin/pip install --quiet --no-deps insightface
	@{ build/pins/bin/pip freeze --exclude koma; build/pins/bin/pip freeze | sed -n 's/^onnxruntime==/onnxruntime-gpu==/p'; } \
		| sed 's/+cpu$$//' | grep -vE '^(nvidia|cuda|triton)' | sort -f -t= -k1,1 \
		| grep -vxFf constraints/build.txt | grep -vxFf constraints/base.txt | grep -vxFf constraints/dev.txt > constraints/quality.txt
	@rm -rf build/pins

ci-tools: ## system packages that the tests want
	@command -v git >/dev/null || { sudo=; test "$$(id -u)" = 0 || sudo=sudo; $$sudo apt-get update -q && $$sudo apt-get install -qy git; }
	@command -v strace >/dev/null || { sudo=; test "$$(id -u)" = 0 || sudo=sudo; $$sudo apt-get update -q && $$sudo apt-get install -qy strace; }
	@command -v faketime >/dev/null || { sudo=; test "$$(id -u)" = 0 || sudo=sudo; $$sudo apt-get update -q && $$sudo apt-get install -qy faketime; }
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || { sudo=; test "$$(id -u)" = 0 || sudo=sudo; $$sudo apt-get update -q && $$sudo apt-get install -qy --no-install-recommends postgresql; }

clean: ## what can be made again, but never outputs/
	rm -rf $(VENV) $(QUALITY) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .bench
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
