# Two commands do all the set-up: `make demo` and `make test`. Each makes .venv itself, from Python 3.10 or newer.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP := .venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt

# Torch's idle threads would spin otherwise, and slow everything down by 2 to 7 times on a busy machine.
export OMP_WAIT_POLICY := PASSIVE
export MPLBACKEND := Agg

.PHONY: demo test lint bench train clean

demo: .venv/.use
	.venv/bin/python -m saliency.demo --out demo

test: lint
	.venv/bin/python -m pytest

lint: .venv/.dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench: .venv/.dev
	.venv/bin/python -m benchmarks

train: .venv/.dev
	.venv/bin/python -m training.train --out saliency/demo
	.venv/bin/python -m training.embed --out saliency/demo

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=/path/to/python")'
	$(PYTHON) -m venv .venv

.venv/.use: .venv/bin/pip pyproject.toml constraints.txt
	$(PIP) -e '.[torch]'
	touch $@

# torchvision asks for the one Torch release it was built with, and grad-cam for torchvision; here they are only the tests'
# source of network shapes and of other people's maps. What grad-cam imports stands beside it.
.venv/.dev: .venv/.use
	$(PIP) -e '.[torch,train,dev]'
	$(PIP) --no-deps torchvision grad-cam ttach opencv-python-headless
	touch $@

clean:
	rm -rf .venv demo
