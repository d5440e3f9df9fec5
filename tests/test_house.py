"""The rules of the house that a machine can check."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import saliency

ROOT = Path(saliency.__file__).parent
FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "torchvision")
LAYERS = ["core", "torch", "nets", "compat", "cli"]  # each may import from those before it
LOADED = "import sys, {module}; print([f for f in {frameworks} if f in sys.modules])"


def frameworks_loaded_by(module):
    code = LOADED.format(module=module, frameworks=FRAMEWORKS)
    return ast.literal_eval(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("module", ["saliency", "saliency.io.stim", "saliency.io.picture", "saliency.cli.dnn_saliency"])
def test_imports_no_framework(module):
    assert frameworks_loaded_by(module) == []


def test_the_test_above_can_fail():
    assert frameworks_loaded_by("saliency.torch") == ["torch"]


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
                assert LAYERS.index(there) <= LAYERS.index(here), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_pyplot_in_the_library(path):
    if "cli" not in path.parts:
        assert "matplotlib.pyplot" not in set(imports(path))
