# Stock Python 3.11 or newer, pip and make are all it takes: every target first puts what
# it needs into .venv, once.
#
#   make ablation   train and compare the norms, write a report   ARGS="--seeds 2 ..."
#   make test       run the tests                                 ARGS="-k values ..."
#   make parity     compare with PyTorch, ONNX, onnxruntime, OpenVINO and TensorFlow
#   make bench      measure speed, next to every peer that parity installed
#   make lint       ruff and pyright
#   make format     ruff, changing files

PYTHON ?= python3
BIN := .venv/bin

.PHONY: ablation test parity bench lint format clean

ablation: .venv/experiments
	$(BIN)/python -m experiments ablate $(ARGS)

test: .venv/test
	$(BIN)/python -m pytest $(ARGS)

# TensorFlow has an environment of its own: it seldom agrees with the others on versions.
parity: .venv/peers .venv-tensorflow/tensorflow
	$(BIN)/python -m pytest tests/parity tests/test_port_torch.py $(ARGS)
	.venv-tensorflow/bin/python -m pytest tests/parity/test_tensorflow.py $(ARGS)

# The speed of this library, and of every peer that is installed.
bench: .venv/benchmarks
	$(BIN)/python -m benchmarks $(if $(wildcard .venv-tensorflow/tensorflow),\
	  --tensorflow-python .venv-tensorflow/bin/python) $(ARGS)

lint: .venv/lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

format: .venv/lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .venv-tensorflow

# One stamp for each extra of pyproject.toml.
INSTALL = $(@D)/bin/python -m pip install --quiet --disable-pip-version-check --editable
.venv/experiments .venv/test .venv/peers .venv/benchmarks .venv/lint: pyproject.toml \
  | .venv/bin/python
	$(INSTALL) '.[$(@F)]'
	@touch $@
.venv-tensorflow/tensorflow: pyproject.toml | .venv-tensorflow/bin/python
	$(INSTALL) '.[$(@F)]'
	@touch $@

%/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one with \
	make PYTHON=...: this is " + sys.version if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $*
