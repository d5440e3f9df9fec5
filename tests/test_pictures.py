"""The documentation's images equal those that ``make pictures`` writes."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saliency import nets
from saliency.demo.gallery_methods import METHODS, SMOOTHGRAD_SUFFIX, TRANSFORMER_METHODS
from saliency.demo.localization import localization_scores, prepare_inputs, scene_targets
from saliency.demo.scenes import load_scenes

DOCS = Path(__file__).parents[1] / "docs"
IMAGES = DOCS / "images"


@pytest.fixture(scope="module")
def pictures():
    spec = importlib.util.spec_from_file_location("pictures", DOCS / "pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_method_and_its_page_have_an_image(pictures):
    pages = {page.stem for page in (DOCS / "methods").glob("*.md")}
    assert pages == {*pictures.METHOD_PAGES, *pictures.REGION_PAGES, "smoothgrad"} and (IMAGES / "regions.webp").is_file()
    names = {*METHODS, *TRANSFORMER_METHODS}
    assert set(pictures.METHOD_PAGES.values()) == {name for name in names if not name.endswith(SMOOTHGRAD_SUFFIX)}
    assert {image.stem for image in (IMAGES / "methods").iterdir()} == {*pictures.METHOD_PAGES, "smoothgrad"}


def test_images_are_small():
    sizes = {image: image.stat().st_size for image in IMAGES.rglob("*.*")}
    assert sum(sizes.values()) < 2_000_000
    assert all(size < 60_000 for image, size in sizes.items() if image.parent.name == "methods")


@pytest.mark.needs("torch")
def test_maps_are_on_the_digit_except_with_random_weights(pictures):
    network, random = nets.load("DemoNet", framework="torch"), nets.untrained(0, "torch")
    targets = [target for target in scene_targets(load_scenes()) if target.scene.name == pictures.SCENE]
    x = prepare_inputs(network, targets)
    for spread in (0.0, 0.15):
        maps = pictures.compute_strengths("GuidedBackprop", network.model, x, targets, spread)
        assert all(
            localization_scores(strength, target.object_mask)[0] for strength, target in zip(maps, targets, strict=True)
        )
    maps = pictures.compute_strengths("GuidedBackprop", random, x, targets)
    assert not localization_scores(maps[0], targets[0].object_mask)[0]


@pytest.mark.needs("torch")
def test_the_command_writes_the_stored_images(pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "METHOD_PAGES", {"guided_backprop": "GuidedBackprop"})
    assert pictures.main(["--methods", "--out", str(tmp_path)]) == 0
    assert "smoothgrad.webp" in capsys.readouterr().out
    for name in ("guided_backprop", "smoothgrad"):
        with (
            Image.open(tmp_path / "methods" / f"{name}.webp") as made,
            Image.open(IMAGES / "methods" / f"{name}.webp") as stored,
        ):
            assert abs(made.width - stored.width) <= 8  # fonts differ
            new, old = (np.asarray(image.resize((400, 240)), float) for image in (made, stored))
        assert np.abs(new - old).mean() < 4  # of 255
