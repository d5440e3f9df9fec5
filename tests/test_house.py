"""The rules of the house that a machine can check."""

import ast
import multiprocessing
import pty
import subprocess
import sys
from pathlib import Path

import pytest

import saliency

ROOT = Path(saliency.__file__).parent
FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "torchvision")
LAYERS = {"core": 0, "torch": 1, "tf": 1, "nets": 2, "compat": 3, "cli": 4}  # each may import from itself and from those below
LOADED = """
import importlib, sys
found = {{}}
for module in {modules}:
    importlib.import_module(module)
    found[module] = [framework for framework in {frameworks} if framework in sys.modules]
print(found)
"""


def frameworks_loaded_by(*modules):
    """Import modules in one process, one after the other: module -> the frameworks that were there then."""
    code = LOADED.format(modules=modules, frameworks=FRAMEWORKS)
    return ast.literal_eval(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


FREE = [
    "saliency",
    "saliency.io.act",
    "saliency.io.dmask",
    "saliency.io.stim",
    "saliency.io.picture",
    "saliency.nets",
    "saliency.compat.dnnbrain",
    "saliency.compat.keras_vis",
    "saliency.compat.vis.visualization",
    "saliency.demo.__main__",
    "saliency.cli.dnn_act",
    "saliency.cli.dnn_mask",
    "saliency.cli.dnn_saliency",
    "saliency.cli.main",
    "saliency.cli.saliency_report",
]


def test_imports_no_framework():
    assert frameworks_loaded_by(*FREE) == {module: [] for module in FREE}


@pytest.mark.needs("torch")
def test_torch_brings_torch_alone():
    assert frameworks_loaded_by("saliency.torch") == {"saliency.torch": ["torch"]}


@pytest.mark.needs("tensorflow")
def test_tf_does_not_bring_torch():
    (loaded,) = frameworks_loaded_by("saliency.tf").values()
    assert "tensorflow" in loaded and "torch" not in loaded


def test_all_is_sorted_and_true():
    assert saliency.__all__ == sorted(saliency.__all__)
    public = {name for name, value in vars(saliency).items() if not name.startswith("_") and not isinstance(value, type(sys))}
    assert public == set(saliency.__all__)


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path):
    here = path.relative_to(ROOT).parts[0]
    for name in imports(path):
        first, _, rest = name.partition(".")
        if here in ("core", "io"):
            assert first not in FRAMEWORKS
        if first == "saliency" and rest:
            there = rest.split(".")[0]
            if here == "io" or path.name == "visualization.py":
                assert there == here, f"{path.name} imports {name}"
            elif here in LAYERS and there in LAYERS:
                assert there == here or LAYERS[there] < LAYERS[here], f"{path.name} imports {name}"


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_pyplot_in_the_library(path):
    if "cli" not in path.parts:
        assert "matplotlib.pyplot" not in set(imports(path))


def test_no_test_forks_beside_tensorflow(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    with pytest.raises(RuntimeError, match="subprocess.run"):
        multiprocessing.get_context("fork").Process(target=int).start()
    with pytest.raises(RuntimeError, match="subprocess.run"):
        pty.fork()
    assert subprocess.run([sys.executable, "-c", ""], check=True).returncode == 0


@pytest.mark.parametrize("folder", ["saliency", "tests", "benchmarks", "training"])
def test_no_process_is_given_a_preexec_fn(folder):
    for path in sorted((ROOT.parent / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.keyword) and node.arg == "preexec_fn"), f"{path}: it forks; see tests/conftest.py"
