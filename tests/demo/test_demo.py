"""The bundled networks recognize digits, the maps find them, and `python -m saliency.demo` writes its files."""

import ast
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency import nets
from saliency.demo.__main__ import main
from saliency.demo.gallery_methods import METHODS, SMOOTHGRAD_SUFFIX
from saliency.demo.localization import (
    SceneTarget,
    compute_maps,
    control_maps,
    localization_scores,
    scene_targets,
    target_logits,
)
from saliency.demo.scenes import HERE, TAG, load_scenes
from tests.quick_methods import QUICK_METHODS

SCENES = load_scenes()
PLAIN, PAIRS = SCENES[:24], SCENES[24:]
MODULES = {"torch": "torch", "tf": "tensorflow"}
FRAMEWORKS = [pytest.param(name, marks=pytest.mark.needs(module)) for name, module in MODULES.items()]

SLOW = (
    "RISE",
    "Occlusion",
    "ScoreCAM",
    "GradientSHAP",
    SMOOTHGRAD_SUFFIX,
)  # suffixes of the names of methods with many passes
NAMES = ["Vanilla", "GuidedBackprop", "IntegratedGradients", "GradCAM", "LayerCAM", "GuidedGradCAM"]


@pytest.fixture(scope="module", params=FRAMEWORKS)
def framework(request):
    return request.param


@pytest.fixture(scope="module")
def found(framework):
    network, targets = nets.load("DemoNet", framework=framework), scene_targets(PLAIN)
    trained = compute_maps(network.model, network, targets, [name for name in METHODS if not name.endswith(SLOW)], seed=0)
    with warnings.catch_warnings():  # gradients of an untrained network may be zero
        warnings.simplefilter("ignore", saliency.ZeroGradientWarning)
        random = compute_maps(nets.untrained(0, framework), network, targets, NAMES, seed=0)
    strengths = trained | control_maps(network, targets, seed=0) | {f"control: {name}": m for name, m in random.items()}
    return {
        name: [localization_scores(s, q.object_mask) for s, q in zip(m, targets, strict=True)] for name, m in strengths.items()
    }


def test_the_scenes_are_small_and_cover_every_digit():
    assert sum(file.stat().st_size for file in (HERE / "scenes").iterdir()) < 500_000
    assert all((HERE / name).stat().st_size < 500_000 for name in ("clean.safetensors", "shortcut.safetensors"))
    assert {scene.digits[0] for scene in PLAIN} == set(range(10))
    for scene in SCENES:
        assert scene.picture.size == (96, 96)
        assert set(np.unique(scene.objects)) - {0, TAG} == {digit + 1 for digit in scene.digits}
    assert [scene.tagged for scene in PAIRS] == [True, False] * (len(PAIRS) // 2)


def test_the_clean_network_recognizes_the_digits(framework):
    network = nets.load("DemoNet", framework=framework)
    targets = [SceneTarget(scene, digit, scene.mask(digit)) for scene in PLAIN for digit in range(10)]
    yes = target_logits(network, targets).reshape(-1, 10) > 0
    truth = np.array([[digit in scene.digits for digit in range(10)] for scene in PLAIN])
    assert (yes == truth).all(axis=1).mean() >= 0.8
    assert (yes == truth).mean() >= 0.97


def test_maps_are_on_the_digit_and_controls_are_not(found):
    hits = {name: np.mean([hit for hit, _ in rows]) for name, rows in found.items()}
    shares = {name: np.mean([share for _, share in rows]) for name, rows in found.items()}
    assert hits["Vanilla"] >= 0.85
    assert hits["GuidedBackprop"] >= 0.9
    assert shares["GuidedBackprop"] >= 0.6
    for name in NAMES:
        assert hits[name] >= 0.8
        assert shares[name] >= 2 * shares["control: uniform map"]
        assert shares[name] > 1.5 * shares[f"control: {name}"]
    for name in hits:
        if name.startswith("control"):
            assert hits[name] <= 0.5
            assert shares["Vanilla"] > 1.5 * shares[name]


def test_two_digits_of_one_scene_have_different_maps(framework):
    network = nets.load("DemoNet", framework=framework)
    targets = [target for target in scene_targets(PLAIN) if len(target.scene.digits) == 2]
    others = [SceneTarget(q.scene, q.digit, q.scene.mask(sum(q.scene.digits) - q.digit)) for q in targets]
    strengths = compute_maps(network.model, network, targets, ["GuidedBackprop"], seed=0)["GuidedBackprop"]
    own = [localization_scores(s, q.object_mask)[1] for s, q in zip(strengths, targets, strict=True)]
    other = [localization_scores(s, q.object_mask)[1] for s, q in zip(strengths, others, strict=True)]
    assert np.mean(np.array(own) > 2 * np.array(other)) >= 0.8


def test_the_shortcut_network_uses_the_tag(framework):
    network = nets.load("ShortcutNet", framework=framework)
    tagged = [SceneTarget(scene, 3, scene.objects == TAG) for scene in PAIRS if scene.tagged]
    without = [SceneTarget(scene, 3, scene.mask(3)) for scene in PAIRS if not scene.tagged]
    assert (target_logits(network, tagged) > 0).all()
    assert (target_logits(network, without) < 0).all()
    for strengths in compute_maps(network.model, network, tagged, ["Vanilla", "GuidedBackprop"], seed=0).values():
        assert all(localization_scores(s, q.object_mask)[0] for s, q in zip(strengths, tagged, strict=True))


@pytest.fixture
def six_scenes(monkeypatch):
    """Reduce the demo to a few scenes, masks and windows: the whole demo takes two minutes."""
    monkeypatch.setattr("saliency.demo.__main__.load_scenes", lambda: SCENES[12:18] + PAIRS)
    monkeypatch.setattr("saliency.demo.__main__.PLAIN_SCENES", 6)
    for name, method in QUICK_METHODS.items():
        monkeypatch.setitem(METHODS, name, method)


def test_the_demo_writes_its_files_and_prints_their_paths(framework, six_scenes, tmp_path, capsys):
    assert main(["--framework", framework, "--out", str(tmp_path / "new" / "folder")]) == 0
    printed = capsys.readouterr().out
    for name in ("gallery.png", "shortcut.png"):
        path = tmp_path / "new" / "folder" / name
        assert str(path) in printed
        with Image.open(path) as picture:
            assert min(picture.size) > 500
    assert "| Vanilla + SmoothGrad |" in (tmp_path / "new" / "folder" / "figures.md").read_text()
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == ["figures.md", "gallery.png", "shortcut.png"]


ONE_FRAMEWORK = """
import sys
from saliency import nets
from saliency.demo.gallery_methods import METHODS
from saliency.demo.localization import compute_maps, scene_targets
from saliency.demo.scenes import load_scenes
from tests.quick_methods import QUICK_METHODS
METHODS.update(QUICK_METHODS)
network = nets.load("DemoNet", framework={framework!r})
targets = scene_targets(load_scenes()[:1])
compute_maps(network.model, network, targets, list(METHODS), seed=0)
compute_maps(nets.untrained(0, {framework!r}), network, targets, ["Vanilla"], seed=0)
print([name for name in ("keras", "tensorflow", "torch") if name in sys.modules])
"""


def test_one_framework_never_imports_the_other(framework):
    code = [sys.executable, "-W", "ignore", "-c", ONE_FRAMEWORK.format(framework=framework)]
    printed = subprocess.run(code, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]).stdout
    assert ast.literal_eval(printed) == {"torch": ["torch"], "tf": ["keras", "tensorflow"]}[framework]


@pytest.mark.parametrize("framework", MODULES)
def test_a_missing_framework_is_an_error_with_the_install_command(framework, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, MODULES[framework], None)
    assert main(["--framework", framework, "--out", str(tmp_path / "demo")]) == 2
    printed = capsys.readouterr()
    assert f"pip install 'saliency-masks[{framework}]'" in printed.err and "Traceback" not in printed.err and not printed.out
    assert not (tmp_path / "demo").exists()


def test_a_file_as_output_folder_is_an_error(framework, tmp_path, capsys):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(SystemExit) as stop:
        main(["--framework", framework, "--out", str(tmp_path / "file")])
    assert stop.value.code == 2
    assert "--out" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "kept"
