"""The bundled networks recognize digits, the maps find them, and `python -m saliency.demo` writes its files."""

import sys
import warnings
from functools import partial

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency import nets
from saliency.demo.__main__ import main
from saliency.demo.gallery_methods import METHODS
from saliency.demo.localization import (
    SceneTarget,
    compute_maps,
    control_maps,
    localization_scores,
    scene_targets,
    target_logits,
)
from saliency.demo.scenes import HERE, TAG, load_scenes

SCENES = load_scenes()
PLAIN, PAIRS = SCENES[:24], SCENES[24:]
MODULES = {"torch": "torch", "tf": "tensorflow"}
FRAMEWORKS = [pytest.param(name, marks=pytest.mark.needs(module)) for name, module in MODULES.items()]

NAMES = ["Vanilla", "GuidedBackprop", "IntegratedGradients", "GradCAM", "LayerCAM", "GuidedGradCAM"]


@pytest.fixture(scope="module", params=FRAMEWORKS)
def framework(request):
    return request.param


@pytest.fixture(scope="module")
def found(framework):
    network, targets = nets.load("DemoNet", framework=framework), scene_targets(PLAIN)
    with pytest.MonkeyPatch.context() as patched, warnings.catch_warnings():
        patched.setitem(METHODS, "IntegratedGradients", partial(saliency.IntegratedGradients, x_steps=4))
        trained = compute_maps(network.model, network, targets, NAMES, seed=0)
        warnings.simplefilter("ignore", saliency.ZeroGradientWarning)  # gradients of an untrained network may be zero
        random = compute_maps(nets.untrained(0, framework), network, targets, NAMES, seed=0)
    strengths = trained | control_maps(network, targets, seed=0) | {f"control: {name}": m for name, m in random.items()}
    return {
        name: [localization_scores(s, q.object_mask) for s, q in zip(m, targets, strict=True)] for name, m in strengths.items()
    }


def test_the_scenes_are_small_and_cover_every_digit():
    assert sum(file.stat().st_size for file in (HERE / "scenes").iterdir()) < 500_000
    assert all(
        (HERE / name).stat().st_size < 500_000 for name in ("clean.safetensors", "shortcut.safetensors", "vit.safetensors")
    )
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


def test_the_demo_writes_its_files_and_prints_their_paths(framework, fresh_process):
    run = fresh_process(framework)
    assert run.code == 0, run.err[-2000:]
    for name in ("gallery.png", "transformer.png", "shortcut.png"):
        path = run.demo / name
        assert str(path) in run.out
        with Image.open(path) as picture:
            assert min(picture.size) > 500
    figures = (run.demo / "figures.md").read_text()
    assert "| Vanilla + SmoothGrad |" in figures and "| AttentionRelevance |" in figures
    assert sorted(p.name for p in run.demo.iterdir()) == ["figures.md", "gallery.png", "shortcut.png", "transformer.png"]


def test_one_framework_never_imports_the_other(framework, fresh_process):
    loaded = {"keras", "tensorflow", "torch"} & set(fresh_process(framework).steps["demo"])
    assert loaded == {"torch": {"torch"}, "tf": {"keras", "tensorflow"}}[framework]


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
