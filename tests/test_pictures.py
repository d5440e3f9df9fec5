"""The pictures of the documentation are those that ``make pictures`` makes, and show what they should."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saliency import nets
from saliency.demo.bands import METHODS, SMOOTH
from saliency.demo.figures import inputs, on_object, questions
from saliency.demo.scenes import load_scenes

DOCS = Path(__file__).parents[1] / "docs"
IMAGES = DOCS / "images"


@pytest.fixture(scope="module")
def pictures():
    spec = importlib.util.spec_from_file_location("pictures", DOCS / "pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_and_every_method_has_its_picture(pictures):
    assert {page.stem for page in (DOCS / "methods").glob("*.md")} == {*pictures.PAGES, "smoothgrad"}
    assert set(pictures.PAGES.values()) == {name for name in METHODS if not name.endswith(SMOOTH)}
    assert {image.stem for image in (IMAGES / "methods").iterdir()} == {*pictures.PAGES, "smoothgrad"}


def test_pictures_are_small():
    sizes = {image: image.stat().st_size for image in IMAGES.rglob("*.*")}
    assert sum(sizes.values()) < 1_000_000
    assert all(size < 60_000 for image, size in sizes.items() if image.parent.name == "methods")


@pytest.mark.needs("torch")
def test_a_map_lights_up_on_the_digit_and_a_random_network_s_does_not(pictures):
    network, random = nets.load("DemoNet", framework="torch"), nets.untrained(0, "torch")
    asked = [question for question in questions(load_scenes()) if question.scene.name == pictures.SCENE]
    x = inputs(network, asked)
    for spread in (0.0, 0.15):
        found = pictures.strengths("GuidedBackprop", network.model, x, asked, spread)
        assert all(on_object(strength, question.where)[0] for strength, question in zip(found, asked, strict=True))
    found = pictures.strengths("GuidedBackprop", random, x, asked)
    assert not on_object(found[0], asked[0].where)[0]


@pytest.mark.needs("torch")
def test_the_command_makes_the_pictures_that_are_there(pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "PAGES", {"guided_backprop": "GuidedBackprop"})
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
