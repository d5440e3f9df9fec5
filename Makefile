# Every target creates the environment that it needs, with Python 3.10 or newer: make PYTHON=/path/to/python TARGET.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
INSTALL := install --quiet --disable-pip-version-check -c constraints.txt
PIP := .venv/bin/pip $(INSTALL)

# Idle OpenMP threads of Torch spin by default, which makes everything 2 to 7 times slower on a busy machine.
export OMP_WAIT_POLICY := PASSIVE
export MPLBACKEND := Agg
# Hide TensorFlow's messages about the processor.
export TF_CPP_MIN_LOG_LEVEL := 2

.PHONY: demo check test test-none test-torch test-tf test-jax test-zoo test-peers lint build notebook docs pictures bench soak train clean

demo: .venv/.use
	.venv/bin/python -m saliency.demo --out demo

# A quick check after each change: lint, and the tests of the core, of the file formats and of the masks of the bundled network
# in Torch. The tests left out by name load TensorFlow, which alone takes more than 10 seconds.
check: lint
	.venv/bin/python -m pytest tests/core tests/io tests/test_house.py tests/torch/test_masks.py -k "not keras_model- and not tf_does_not"

# LINT= leaves the lint out: mypy passes with the pinned versions, but not with the older type stubs that Python 3.10 gets.
LINT ?= lint
# Two processes run the tests side by side; a file's tests stay together, because they share networks. WORKERS=0 uses one process.
WORKERS ?= 2
PYTEST = -m pytest -n $(WORKERS) --dist loadfile
test: .venv/.dev $(LINT)
	.venv/bin/python $(PYTEST)

# The same tests with no framework, with Torch alone and with TensorFlow alone. Tests that need a missing framework are skipped.
test-none test-torch test-tf: test-%: .venv-%/.ready
	.venv-$*/bin/python $(PYTEST)

# The tests of the JAX adapter, beside Torch and TensorFlow.
test-jax: .venv-jax/.ready
	.venv-jax/bin/python -m pytest tests/jax tests/test_every_method.py tests/test_house.py tests/test_docs.py -k "jax or JAX or every_adapter or house"

# Layers, grids and gradients of some 70 networks of timm, transformers, torchvision and Keras, with random weights, and four methods
# against references on 30 of them (tests/zoo).
# ZOO="-k swin" selects tests. Warnings of these libraries are no errors.
test-zoo: .venv-zoo/.ready
	.venv-zoo/bin/python -m pytest -W ignore tests/zoo/check_networks.py tests/zoo/check_methods.py tests/zoo/check_loaders.py $(ZOO)

# The metrics against those of Quantus, xplique, pytorch-grad-cam and PAIR's saliency, on the same maps and models, and relevance
# against zennit's (tests/peers).
test-peers: .venv-test-peers/.ready
	.venv-test-peers/bin/python -m pytest -W ignore tests/peers/check_*.py

lint: .venv/.dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/codespell
	.venv/bin/mypy

# A wheel and a source distribution, in dist/. Without isolation, the build uses the versions in constraints.txt.
build: .venv-build/.ready
	rm -rf dist
	.venv-build/bin/python -m build --no-isolation

# Run Examples.py and write it with its outputs to Examples.ipynb.
notebook: .venv/.dev
	.venv/bin/python docs/notebook.py

# Build the documentation, docs/_build/index.html. Warnings are errors.
docs: .venv/.dev
	.venv/bin/python -m sphinx -n -W --keep-going -q docs docs/_build

# Draw every picture of the documentation. The picture of the report needs playwright and Chromium; without them it stays unchanged.
# The maps of photographs need SQUEEZENET=FOLDER/NAME, weights in NAME.safetensors as for bench; without it they stay unchanged.
pictures: .venv/.dev
	PYTHONPATH=. .venv/bin/python docs/pictures.py $(if $(SQUEEZENET),--squeezenet $(SQUEEZENET).safetensors)

# Run the benchmarks of both frameworks and of other libraries (docs/benchmarks.md); tables and plots go to bench/.
# SQUEEZENET=FOLDER/NAME loads weights for that network, from NAME.safetensors and NAME.keras. BENCH="--cpu" passes options: see
# python -m benchmarks --help.
bench: .venv/.dev
	.venv/bin/python -m benchmarks --out bench $(if $(SQUEEZENET),--squeezenet $(SQUEEZENET)) $(BENCH)

# Damaged files, random options, kills, interrupts and threads for an hour; status 1 if anything fell short (docs/reliability.md).
# SOAK="--minutes 5" passes options: see python -m tests.soak --help.
soak: .venv/.dev
	.venv/bin/python -m tests.soak $(SOAK)

train: .venv/.dev
	.venv/bin/python -m training.train --out saliency/demo
	.venv/bin/python -m training.embed --out saliency/demo

PEERS := torchvision grad-cam ttach opencv-python-headless
WITH_build := build hatchling
WITH_none := -e '.[regions,train,report]' pytest pytest-xdist hypothesis
WITH_jax := -e '.[torch,tf,jax,regions,train]' pytest hypothesis flax equinox
WITH_torch := -e '.[torch,regions,train,report]' pytest pytest-xdist hypothesis captum
# What timm and transformers import. Both are installed without dependencies, because these would replace the release of Torch.
WITH_zoo := -e '.[torch,tf]' pytest filelock huggingface_hub packaging pyyaml regex safetensors tokenizers tqdm typer
ZOO_PEERS := torchvision timm transformers
# What Quantus, xplique and zennit import. All three are installed without dependencies, because these would replace releases that others need.
WITH_test-peers := -e '.[torch,tf,regions]' pytest scikit-learn pandas matplotlib cachetools einops deprecated
METRIC_PEERS := $(PEERS) zennit click quantus xplique tensorflow-probability tf_keras dm-tree decorator attrs
WITH_tf := -e '.[tf,regions,train,report]' pytest pytest-xdist hypothesis tf_keras

.venv/bin/pip .venv-build/bin/pip .venv-none/bin/pip .venv-torch/bin/pip .venv-tf/bin/pip .venv-jax/bin/pip .venv-zoo/bin/pip .venv-test-peers/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=/path/to/python")'
	$(PYTHON) -m venv $(@:/bin/pip=)

.venv/.use: .venv/bin/pip pyproject.toml constraints.txt
	$(PIP) -e '.[torch,regions]'
	touch $@

# torchvision requires the exact Torch release that it was built with, and grad-cam requires torchvision. The tests only use their
# network architectures and their maps, so they are installed without dependencies; PEERS lists what grad-cam imports.
.venv/.dev: .venv/.use
	$(PIP) -e '.[torch,tf,regions,train,report,ray,docs,dev]'
	$(PIP) --no-deps $(PEERS)
	touch $@

.venv-%/.ready: .venv-%/bin/pip pyproject.toml constraints.txt
	.venv-$*/bin/pip $(INSTALL) $(WITH_$*)
	$(if $(filter torch,$*),.venv-$*/bin/pip $(INSTALL) --no-deps $(PEERS))
	$(if $(filter zoo,$*),.venv-$*/bin/pip $(INSTALL) --no-deps $(ZOO_PEERS))
	$(if $(filter test-peers,$*),.venv-$*/bin/pip $(INSTALL) --no-deps $(METRIC_PEERS))
	$(if $(filter test-peers,$*),.venv-$*/bin/pip $(INSTALL) --no-deps --upgrade --target .venv-$*/pair saliency)
	touch $@

clean:
	rm -rf .venv .venv-* demo dist docs/_build
