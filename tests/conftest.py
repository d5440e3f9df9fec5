"""Before any test: which are collected, and what no test may do.

`tests/torch`, `tests/tf` and `tests/jax` are collected where the framework is installed. Any other test that needs one says
`@pytest.mark.needs("torch")` or `@pytest.mark.needs("tensorflow")`; a file that imports one at its head, `pytest.importorskip`.
"""

import functools
import gc
import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

FOLDERS = {"torch": "torch", "tensorflow": "tf", "jax": "jax"}

collect_ignore = [folder for module, folder in FOLDERS.items() if not importlib.util.find_spec(module)]

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # no remarks on the processor
for threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):  # the tests' networks are too small to gain from more
    os.environ.setdefault(threads, "1")

if importlib.util.find_spec("torch") and importlib.util.find_spec("torchvision"):  # one that was built for another Torch
    from tests.torchvision_ops import declare

    declare()


def pytest_runtest_setup(item):
    for mark in item.iter_markers("needs"):
        for module in mark.args:
            if not importlib.util.find_spec(module):
                pytest.skip(f"{module} is not installed")


def no_fork_beside_tensorflow(event, _):
    """Refuse what would hang. A process that `subprocess` starts is no fork, unless it is given a `preexec_fn`."""
    if event in ("os.fork", "os.forkpty") and "tensorflow" in sys.modules:
        raise RuntimeError("a fork hangs once TensorFlow was used: start a new process with subprocess.run")


sys.addaudithook(no_fork_beside_tensorflow)


def pytest_configure():
    """Let Ctrl-C raise an exception also where it is ignored: a shell ignores it for its jobs in the background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish():
    """Keep garbage collections cheap: they skip the frameworks' modules, a million objects, and are 70 times rarer than by default."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session")
def fresh_process(tmp_path_factory):
    """Return a function: framework -> what `tests/fresh_process.py` finds in a process of its own, which is started once."""

    @functools.cache
    def run(framework):
        folder = tmp_path_factory.mktemp("fresh")
        command = [sys.executable, "-W", "ignore", "-m", "tests.fresh_process", framework, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
        steps = json.loads((folder / "report.json").read_text())
        return SimpleNamespace(
            steps=steps, folder=folder, demo=folder / "new" / "folder", code=done.returncode, out=done.stdout, err=done.stderr
        )

    return run
