"""The rules of the house that a machine can check."""

import ast
import multiprocessing
import pty
import subprocess
import sys
from pathlib import Path

import pytest

import saliency
from saliency.public_names import MODULE_OF
from tests.import_directions import LEVELS, imports, tree, violations

ROOT = Path(saliency.__file__).parent
FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "torchvision")
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
    "saliency.compat.pair",
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
def test_torch_brings_torch_alone(fresh_process):
    assert fresh_process("torch").steps["import"] == ["torch"]


@pytest.mark.needs("tensorflow")
def test_tf_does_not_bring_torch(fresh_process):
    loaded = fresh_process("tf").steps["import"]
    assert "tensorflow" in loaded and "torch" not in loaded


def test_all_is_sorted_and_true():
    assert saliency.__all__ == sorted(saliency.__all__) == sorted(MODULE_OF)
    assert all(getattr(saliency, name) is not None for name in saliency.__all__) and set(saliency.__all__) <= set(
        dir(saliency)
    )
    public = {name for name, value in vars(saliency).items() if not name.startswith("_") and not isinstance(value, type(sys))}
    assert public == set(saliency.__all__)


def test_type_checkers_see_the_names_that_are_imported_on_first_use():
    assert imports((ROOT / "__init__.py").read_text()) - {"importlib", "typing", "saliency.core.forked_process"} == {
        *(f"saliency.{module}.{name}" for name, module in MODULE_OF.items()),
        "saliency.public_names.MODULE_OF",
    }


SLOW = ("PIL", "h5py", "matplotlib", "pandas", "saliency.core.mask", "saliency.nets.registry", "scipy", "skimage", "tqdm")


@pytest.mark.parametrize(
    ("code", "banned"),
    [
        ("import saliency", ("numpy", *SLOW)),
        ("from saliency.cli.dnn_saliency import main; main(['-h'])", SLOW),
        ("from saliency.cli.dnn_act import main; main(['-h'])", SLOW),
    ],
)
def test_a_start_imports_nothing_that_it_does_not_need(code, banned):
    shown = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nprint([n for n in {banned} if n in sys.modules], file=sys.stderr)"
    assert subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True).stderr.strip() == "[]"


def test_imports_point_one_way():
    assert violations(tree(ROOT)) == []


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("saliency.core.mask", "saliency.core.methods.vanilla"),
        ("saliency.core.score", "saliency.core.mask"),
        ("saliency.core.adapter", "saliency.core.score"),
        ("saliency.core.numerics.quadrature", "saliency.core.adapter"),
        ("saliency.core.display.mask_figure", "saliency.core.result"),
        ("saliency.core.display.show", "saliency.core.methods.vanilla"),
        ("saliency.core.mask_runner", "saliency.torch.adapter"),
        ("saliency.core.wrap", "torch"),
        ("saliency.io.act", "tensorflow.keras"),
        ("saliency.io.act", "saliency.core.errors"),
        ("saliency.torch.adapter", "saliency.tf.ops.pre_softmax_logits"),
        ("saliency.tf.eager.adapter", "saliency.tf.session.adapter"),
        ("saliency.tf.session.op_cache", "saliency.tf.eager.forward"),
        ("saliency.tf.ops.pre_softmax_logits", "saliency.tf.eager.adapter"),
        ("saliency.torch.adapter", "saliency.nets.registry"),
        ("saliency.jax.adapter", "saliency.torch.adapter"),
        ("saliency.tf.eager.adapter", "saliency.jax.adapter"),
        ("saliency.nets.registry", "saliency.compat.keras_vis"),
        ("saliency.compat.keras_vis", "saliency.cli.main"),
    ],
)
def test_an_import_in_a_forbidden_direction_is_found(name, target):
    modules = dict(tree(ROOT))
    modules[name] = modules[name] | {target}
    assert f"{name} imports {target}" in violations(modules)


def test_a_cycle_is_found():
    modules = dict(tree(ROOT))
    modules["saliency.core.adapter_request"] = modules["saliency.core.adapter_request"] | {"saliency.core.target_description"}
    modules["saliency.core.target_description"] = modules["saliency.core.target_description"] | {
        "saliency.core.adapter_request"
    }
    assert [one for one in violations(modules) if one.startswith("a cycle: ")]


def test_every_module_of_core_has_a_place_in_the_directions():
    assert {name.split(".")[2] for name in tree(ROOT) if name.startswith("saliency.core.")} == set(LEVELS)


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_pyplot_in_the_library(path):
    if "cli" not in path.parts:
        assert not [one for one in imports(path.read_text(encoding="utf-8")) if one.startswith("matplotlib.pyplot")]


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
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if "preexec_fn" in text else ():
            assert not (isinstance(node, ast.keyword) and node.arg == "preexec_fn"), f"{path}: it forks; see tests/conftest.py"
