"""The built distributions: what they contain, and that the wheel works in an environment without a framework."""

import json
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import saliency

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.needs("build", "hatchling")

MASK = """
import importlib.util, json, sys
import numpy as np
import saliency
from saliency.demo.scenes import load_scenes

def scores(x):
    return x.reshape(len(x), -1) @ np.arange(48.0).reshape(16, 3)

x = np.ones((4, 4))
mask = saliency.Occlusion(saliency.wrap(scores, channel_axis=None), 1).GetMask(x, size=1)
frameworks = [name for name in ("torch", "tensorflow", "keras", "jax") if importlib.util.find_spec(name)]
print(json.dumps({"file": saliency.__file__, "mask": mask.tolist(), "scenes": len(load_scenes()), "frameworks": frameworks}))
"""


def run(command, folder):
    ended = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    return ended.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """Build a source distribution from the checkout, and a wheel from the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT], folder)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, source


def test_the_wheel_holds_the_package_alone(distributions):
    names = set(zipfile.ZipFile(distributions[0]).namelist())
    assert {
        "saliency/py.typed",
        "saliency/demo/NOTICE",
        "saliency/demo/clean.safetensors",
        "saliency/demo/vit.safetensors",
        "saliency/demo/scenes.stim.csv",
        "saliency/help/networks.md",
        "saliency/help/methods/rise.md",
    } <= names
    assert not [name for name in names if name.startswith("saliency/help/") and not name.endswith(".md")]
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "saliency").rglob("*.py")} <= names
    licenses = {name.partition(".dist-info/licenses/")[2] for name in names} - {""}
    assert licenses == {"LICENSE", "saliency/demo/NOTICE"}
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"saliency"}


def test_the_source_distribution_holds_what_the_tests_need(distributions):
    with tarfile.open(distributions[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in ("tests", "docs", "benchmarks", "training", "saliency"):
        assert {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*.py") if "_build" not in path.parts} <= names
    assert {
        "tests/fixtures/keras_vis.npz",
        "Examples.py",
        "Makefile",
        "hatch_build.py",
        "constraints.txt",
        "CITATION.cff",
        "SECURITY.md",
    } <= names


def test_the_wheel_computes_a_mask_in_an_empty_environment(distributions, tmp_path):
    environment, folder = tmp_path / "environment", tmp_path / "elsewhere"
    folder.mkdir()
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile"]
    run([*pip, "-c", ROOT / "constraints.txt", distributions[0]], folder)
    found = json.loads(run([python, "-I", "-c", MASK], folder))
    assert Path(found["file"]).is_relative_to(environment)
    assert found["frameworks"] == []
    assert found["scenes"] > 0
    assert found["mask"] == [[1.0 + 3 * (4 * row + column) for column in range(4)] for row in range(4)]
    assert "usage: saliency" in run([environment / "bin" / "saliency", "--help"], folder)
    assert run([environment / "bin" / "saliency", "help", "networks"], folder).startswith("# Networks\n")


def test_the_citation_names_this_version():
    assert f"\nversion: {saliency.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
