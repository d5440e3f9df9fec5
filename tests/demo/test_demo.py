"""The embedded networks are right, the masks lie on the objects, and `python -m saliency.demo` shows it."""

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
from saliency.demo.bands import METHODS, SMOOTH
from saliency.demo.figures import Question, answers, controls, maps, on_object, questions
from saliency.demo.scenes import HERE, TAG, load_scenes
from tests.quick_methods import QUICK

SCENES = load_scenes()
PLAIN, PAIRS = SCENES[:24], SCENES[24:]
MODULES = {"torch": "torch", "tf": "tensorflow"}
FRAMEWORKS = [pytest.param(name, marks=pytest.mark.needs(module)) for name, module in MODULES.items()]

LONG = ("RISE", "Occlusion", "ScoreCAM", "GradientSHAP", SMOOTH)  # of names: what asks the network many times
NAMES = ["Vanilla", "GuidedBackprop", "IntegratedGradients", "GradCAM", "LayerCAM", "GuidedGradCAM"]


@pytest.fixture(scope="module", params=FRAMEWORKS)
def framework(request):
    return request.param


@pytest.fixture(scope="module")
def found(framework):
    network, asked = nets.load("DemoNet", framework=framework), questions(PLAIN)
    trained = maps(network.model, network, asked, [name for name in METHODS if not name.endswith(LONG)], seed=0)
    with warnings.catch_warnings():  # an untrained network may have nothing to say
        warnings.simplefilter("ignore", saliency.ZeroGradientWarning)
        random = maps(nets.untrained(0, framework), network, asked, NAMES, seed=0)
    strengths = trained | controls(network, asked, seed=0) | {f"control: {name}": m for name, m in random.items()}
    return {name: [on_object(s, q.where) for s, q in zip(m, asked, strict=True)] for name, m in strengths.items()}


def test_the_scenes_are_small_and_cover_every_digit():
    assert sum(file.stat().st_size for file in (HERE / "scenes").iterdir()) < 500_000
    assert all((HERE / name).stat().st_size < 500_000 for name in ("clean.safetensors", "shortcut.safetensors"))
    assert {scene.digits[0] for scene in PLAIN} == set(range(10))
    for scene in SCENES:
        assert scene.picture.size == (96, 96)
        assert set(np.unique(scene.objects)) - {0, TAG} == {digit + 1 for digit in scene.digits}
    assert [scene.tagged for scene in PAIRS] == [True, False] * (len(PAIRS) // 2)


def test_the_clean_network_names_the_digits(framework):
    network = nets.load("DemoNet", framework=framework)
    asked = [Question(scene, digit, scene.mask(digit)) for scene in PLAIN for digit in range(10)]
    yes = answers(network, asked).reshape(-1, 10) > 0
    truth = np.array([[digit in scene.digits for digit in range(10)] for scene in PLAIN])
    assert (yes == truth).all(axis=1).mean() >= 0.8
    assert (yes == truth).mean() >= 0.97


def test_the_maps_lie_on_the_digit_and_the_controls_do_not(found):
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


def test_two_digits_of_one_scene_have_maps_of_their_own(framework):
    network = nets.load("DemoNet", framework=framework)
    asked = [question for question in questions(PLAIN) if len(question.scene.digits) == 2]
    others = [Question(q.scene, q.digit, q.scene.mask(sum(q.scene.digits) - q.digit)) for q in asked]
    strengths = maps(network.model, network, asked, ["GuidedBackprop"], seed=0)["GuidedBackprop"]
    own = [on_object(s, q.where)[1] for s, q in zip(strengths, asked, strict=True)]
    other = [on_object(s, q.where)[1] for s, q in zip(strengths, others, strict=True)]
    assert np.mean(np.array(own) > 2 * np.array(other)) >= 0.8


def test_the_shortcut_network_looks_at_the_tag(framework):
    network = nets.load("ShortcutNet", framework=framework)
    tagged = [Question(scene, 3, scene.objects == TAG) for scene in PAIRS if scene.tagged]
    without = [Question(scene, 3, scene.mask(3)) for scene in PAIRS if not scene.tagged]
    assert (answers(network, tagged) > 0).all()
    assert (answers(network, without) < 0).all()
    for strengths in maps(network.model, network, tagged, ["Vanilla", "GuidedBackprop"], seed=0).values():
        assert all(on_object(s, q.where)[0] for s, q in zip(strengths, tagged, strict=True))


@pytest.fixture
def six_scenes(monkeypatch):
    """Let the demo have the scenes that it shows and few more, and few masks and windows: it takes two minutes otherwise."""
    monkeypatch.setattr("saliency.demo.__main__.load_scenes", lambda: SCENES[12:18] + PAIRS)
    monkeypatch.setattr("saliency.demo.__main__.PLAIN", 6)
    for name, method in QUICK.items():
        monkeypatch.setitem(METHODS, name, method)


def test_the_demo_writes_its_pictures_and_says_where(framework, six_scenes, tmp_path, capsys):
    assert main(["--framework", framework, "--out", str(tmp_path / "new" / "folder")]) == 0
    printed = capsys.readouterr().out
    for name in ("gallery.png", "shortcut.png"):
        path = tmp_path / "new" / "folder" / name
        assert str(path) in printed
        with Image.open(path) as picture:
            assert min(picture.size) > 500
    assert "| Vanilla + SmoothGrad |" in (tmp_path / "new" / "folder" / "figures.md").read_text()
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == ["figures.md", "gallery.png", "shortcut.png"]


ALONE = """
import sys
from saliency import nets
from saliency.demo.figures import METHODS, maps, questions
from saliency.demo.scenes import load_scenes
from tests.quick_methods import QUICK
METHODS.update(QUICK)
network = nets.load("DemoNet", framework={framework!r})
maps(network.model, network, questions(load_scenes()[:1]), list(METHODS), seed=0)
maps(nets.untrained(0, {framework!r}), network, questions(load_scenes()[:1]), ["Vanilla"], seed=0)
print([name for name in ("keras", "tensorflow", "torch") if name in sys.modules])
"""


def test_one_framework_never_imports_the_other(framework):
    code = [sys.executable, "-W", "ignore", "-c", ALONE.format(framework=framework)]
    printed = subprocess.run(code, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]).stdout
    assert ast.literal_eval(printed) == {"torch": ["torch"], "tf": ["keras", "tensorflow"]}[framework]


@pytest.mark.parametrize("framework", MODULES)
def test_a_framework_that_is_not_installed_is_told_with_its_cure(framework, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, MODULES[framework], None)
    assert main(["--framework", framework, "--out", str(tmp_path / "demo")]) == 2
    told = capsys.readouterr()
    assert f"pip install 'saliency-masks[{framework}]'" in told.err and "Traceback" not in told.err and not told.out
    assert not (tmp_path / "demo").exists()


def test_an_out_that_is_a_file_is_refused(framework, tmp_path, capsys):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(SystemExit) as stop:
        main(["--framework", framework, "--out", str(tmp_path / "file")])
    assert stop.value.code == 2
    assert "--out" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "kept"
