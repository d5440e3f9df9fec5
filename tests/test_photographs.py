"""The documentation's photographs and their maps, which ``make pictures`` draws if the weights of SqueezeNet are at hand."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saliency import MaskArray, nets
from saliency.core.display.provenance import Provenance

pytest.importorskip("torch")
ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"


@pytest.fixture(scope="module")
def photographs():
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import photographs
    finally:
        sys.path.remove(str(ROOT / "docs"))
    return photographs


def test_every_method_is_drawn(photographs):
    assert {*photographs.HERO, *photographs.FINE, *photographs.COARSE, *photographs.REGIONS} == set(photographs.METHODS)


def test_the_stored_images_are_those_that_are_drawn(photographs):
    masks = {name: _masks(len(photographs.CLASSES)) for name in photographs.METHODS}
    figures = photographs.draw_figures(masks)
    assert {f"{name}.webp" for name in figures} == {path.name for path in IMAGES.glob("photograph*.webp")}
    for name, figure in figures.items():
        path = IMAGES / f"{name}.webp"
        assert path.stat().st_size < 300_000
        with Image.open(path) as stored:
            width, height = figure.get_size_inches()
            assert stored.width / stored.height == pytest.approx(width / height, rel=0.05)
    titles = [axes.get_title().replace("\n", " ") for axes in figures["photograph"].axes if axes.get_title()]
    assert titles == ["input", *photographs.HERO]
    assert figures["photograph"].axes[0].get_ylabel().startswith("Egyptian cat")


@pytest.mark.parametrize("page", ["README.md", "docs/index.md", "docs/gallery.md"])
def test_pages_show_images_that_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = set(re.findall(r"images/(photograph\w*\.webp)", text))
    assert shown and all((IMAGES / name).exists() for name in shown)


def test_photographs_are_small_and_larger_than_the_networks_input(photographs):
    paths = sorted(photographs.FOLDER.iterdir())
    assert [path.stem for path in paths] == sorted(photographs.CLASSES)
    for path in paths:
        with Image.open(path) as picture:
            assert min(picture.size) >= 256 and picture.mode == "RGB" and not picture.getexif()
        assert path.stat().st_size < 60_000


def test_masks_are_computed_for_the_named_classes(photographs, monkeypatch):
    monkeypatch.setattr(photographs, "CLASSES", {"cat": (3, "three"), "rocket": (8, "eight")})
    methods = {name: photographs.METHODS[name] for name in ("Gradient", "Grad-CAM")}
    masks = photographs.compute_masks(nets.load("DemoNet", framework="torch"), methods)
    assert {name: mask.shape for name, mask in masks.items()} == {"Gradient": (2, 3, 96, 96), "Grad-CAM": (2, 96, 96)}
    assert [re.sub(r" .digit.*", "", target) for target in masks["Gradient"].about.targets] == ["class 3", "class 8"]


def test_without_weights_they_stay_unchanged(photographs, tmp_path, capsys):
    sys.modules[photographs.save_figure.__module__].write_photographs(tmp_path, None)
    assert "not updated: needs --squeezenet" in capsys.readouterr().out and not list(tmp_path.iterdir())


def _masks(n):
    values = np.random.default_rng(0).uniform(size=(n, 3, 8, 8))
    inputs = np.random.default_rng(1).integers(0, 256, (n, 3, 8, 8), np.uint8)
    targets = [f"class {index}" for index in (285, 967, 657)]
    return MaskArray.of(values, {"score": np.ones(n)}, Provenance("Method", targets, inputs, 0))
