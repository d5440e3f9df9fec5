# Two commands do all the set-up: `make demo` and `make test`. Each makes .venv itself, from Python 3.10 or newer.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
INSTALL := install --quiet --disable-pip-version-check -c constraints.txt
PIP := .venv/bin/pip $(INSTALL)

# Torch's idle threads would spin otherwise, and slow everything down by 2 to 7 times on a busy machine.
export OMP_WAIT_POLICY := PASSIVE
export MPLBACKEND := Agg
# TensorFlow's remarks on the processor and on its own speed.
export TF_CPP_MIN_LOG_LEVEL := 2

.PHONY: demo test test-none test-torch test-tf lint notebook docs pictures bench train clean

demo: .venv/.use
	.venv/bin/python -m saliency.demo --out demo

test: lint
	.venv/bin/python -m pytest

# The same tests where no framework is installed, or only one: those that need another are left out.
test-none test-torch test-tf: test-%: .venv-%/.tests
	.venv-$*/bin/python -m pytest

lint: .venv/.dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

# Runs Examples.py and renews what Examples.ipynb shows.
notebook: .venv/.dev
	.venv/bin/python docs/notebook.py

# The documentation's site, docs/_build/index.html, which any browser opens from the disk; warnings are errors.
docs: .venv/.dev
	.venv/bin/python -m sphinx -n -W --keep-going -q docs docs/_build

# Every picture that the documentation shows. That of the report needs playwright and Chromium, and is left as it is without.
pictures: .venv/.dev
	PYTHONPATH=. .venv/bin/python docs/pictures.py

# Tables, plots and figures of both frameworks and of other libraries, in bench/; docs/benchmarks.md. SQUEEZENET=FOLDER/NAME gives
# that network its weights, NAME.safetensors and NAME.keras. BENCH="--cpu" and the like: python -m benchmarks --help.
bench: .venv/.dev
	.venv/bin/python -m benchmarks --out bench $(if $(SQUEEZENET),--squeezenet $(SQUEEZENET)) $(BENCH)

train: .venv/.dev
	.venv/bin/python -m training.train --out saliency/demo
	.venv/bin/python -m training.embed --out saliency/demo

PEERS := torchvision grad-cam ttach opencv-python-headless
WITH_none := -e '.[train,report]' pytest
WITH_torch := -e '.[torch,train,report]' pytest captum
WITH_tf := -e '.[tf,train,report]' pytest tf_keras

.venv/bin/pip .venv-none/bin/pip .venv-torch/bin/pip .venv-tf/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=/path/to/python")'
	$(PYTHON) -m venv $(@:/bin/pip=)

.venv/.use: .venv/bin/pip pyproject.toml constraints.txt
	$(PIP) -e '.[torch]'
	touch $@

# torchvision asks for the one Torch release it was built with, and grad-cam for torchvision; here they are only the tests'
# source of network shapes and of other people's maps. What grad-cam imports stands beside it.
.venv/.dev: .venv/.use
	$(PIP) -e '.[torch,tf,train,report,docs,dev]'
	$(PIP) --no-deps $(PEERS)
	touch $@

.venv-%/.tests: .venv-%/bin/pip pyproject.toml constraints.txt
	.venv-$*/bin/pip $(INSTALL) $(WITH_$*)
	$(if $(filter torch,$*),.venv-$*/bin/pip $(INSTALL) --no-deps $(PEERS))
	touch $@

clean:
	rm -rf .venv .venv-* demo docs/_build
