# Stock Python 3.11 or newer, pip and make are all it takes: every target first puts what
# it needs into .venv, once. With PYTHON=python3.13, say, it is .venv-3.13 and that Python.
#
#   make ablation   train and compare the norms, write a report   ARGS="--seeds 2 ..."
#   make reproduce  train a published run again, compare   ARGS="DIR --seeds 0 ..."
#   make test       run the tests; the slow ones with             ARGS="-m slow"
#   make parity     compare with the other frameworks, those that pip installs
#   make aot        compile for GPUs and TPUs that are not here, check the programs
#   make bench      measure the layer, next to every peer that parity installed
#   make bench-step measure the training step   ARGS="caffe_quick ..."
#   make docs       build the documentation, site/index.html, and check it
#   make lint       ruff and pyright
#   make format     ruff, changing files

PYTHON ?= python3
NAMED := $(filter command environment,$(firstword $(origin PYTHON)))
VENV := .venv$(if $(NAMED),-$(shell $(PYTHON) -c \
  'import sys; print("%d.%d" % sys.version_info[:2])'))
BIN := $(VENV)/bin

.PHONY: ablation reproduce test parity aot bench bench-step docs lint format clean

ablation: $(VENV)/experiments
	$(BIN)/python -m experiments ablate $(ARGS)

reproduce: $(VENV)/experiments
	$(BIN)/python -m experiments reproduce $(ARGS)

# Without other frameworks, compilers and the site, which have targets of their own.
APART = --ignore tests/parity --ignore tests/aot --ignore tests/site
test: $(VENV)/test
	$(BIN)/python -m pytest --numprocesses auto -m "not slow" $(APART) $(ARGS)

# TensorFlow has an environment of its own: it seldom agrees with the others on versions.
parity: $(VENV)/test $(VENV)/peers .venv-tensorflow/tensorflow
	$(BIN)/python -m pytest tests/parity $(ARGS)
	.venv-tensorflow/bin/python -m pytest tests/parity/test_*tensorflow.py $(ARGS)

# The compilers are large, and so have an environment of their own. Where there is none for
# this machine, its tests are left out.
aot: .venv-aot/aot-gpu .venv-aot/aot-tpu
	.venv-aot/bin/python -m pytest tests/aot --numprocesses auto $(ARGS)

bench: $(VENV)/benchmarks
	$(BIN)/python -m benchmarks layer $(if $(wildcard .venv-tensorflow/tensorflow),\
	  --tensorflow-python .venv-tensorflow/bin/python) $(ARGS)

bench-step: $(VENV)/benchmarks $(VENV)/experiments
	$(BIN)/python -m benchmarks step $(ARGS)

docs: $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	$(BIN)/python -m pytest tests/site $(ARGS)

lint: $(VENV)/lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

format: $(VENV)/lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .venv-* site

# One stamp for each extra and each group of pyproject.toml. The pip that comes with Python
# 3.11 and 3.12 knows no groups.
PIP = $(@D)/bin/python -m pip install --quiet --disable-pip-version-check
INSTALL = $(PIP) --editable
INSTALL_GROUP = $(PIP) 'pip>=25.1' && $(INSTALL) . --group $(@F)
$(addprefix $(VENV)/,experiments peers benchmarks): pyproject.toml | $(BIN)/python
	$(INSTALL) '.[$(@F)]'
	@touch $@
$(addprefix $(VENV)/,test docs lint): pyproject.toml | $(BIN)/python
	$(INSTALL_GROUP)
	@touch $@
.venv-tensorflow/tensorflow: pyproject.toml | .venv-tensorflow/bin/python
	$(INSTALL_GROUP)
	@touch $@
.venv-aot/test: pyproject.toml | .venv-aot/bin/python
	$(INSTALL_GROUP)
	@touch $@
.venv-aot/aot-gpu: SIZE = 225 MB
.venv-aot/aot-tpu: SIZE = 0.7 GB
.venv-aot/aot-gpu .venv-aot/aot-tpu: .venv-aot/test
	@echo "Installing the compiler of the extra $(@F), about $(SIZE)."
	$(INSTALL) '.[$(@F)]'
	@touch $@

%/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one with \
	make PYTHON=...: this is " + sys.version if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $*
