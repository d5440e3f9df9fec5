"""The images of maps: percentiles, colors of signs, overlays, and DNNBrain's scale."""

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")

from matplotlib import colormaps

from saliency.cli.map_images import MapImages, saliency_image
from saliency.core.display.overlay import ALPHA
from tests.cli.saliency_command import BUNDLED, NAMES, run, table

RNG = np.random.default_rng(0)
STIMULUS = Image.new("RGB", (8, 10), (200, 100, 50))


def test_a_map_with_one_bright_pixel_is_not_black():
    mask = RNG.uniform(size=(3, 20, 20))
    mask[:, 3, 4] = 1000.0
    assert saliency_image(mask, "RGB").mean() < 1  # as DNNBrain draws it
    image = MapImages("RGB").image(mask, STIMULUS)
    assert image.mean() > 100 and (image[3, 4] == 255).all()
    values = np.abs(mask).transpose(1, 2, 0)
    high = np.percentile(values, 99)
    expected = (values - values.min()) / (high - values.min()) * 255
    np.testing.assert_allclose(image, expected.clip(0, 255), atol=1)


def test_strengths_and_signs_have_colors_of_their_own():
    strength, signed = RNG.uniform(size=(6, 6)), RNG.normal(size=(6, 6))
    signed[0, 0] = 0.0
    drawn = MapImages("gray", percentile=100).image(strength, STIMULUS)
    unit = (strength - strength.min()) / np.ptp(strength)
    np.testing.assert_array_equal(drawn, colormaps["inferno"](unit, bytes=True)[..., :3])
    drawn = MapImages("gray", percentile=100).image(signed, STIMULUS)
    np.testing.assert_array_equal(drawn[0, 0], colormaps["coolwarm"](0.5, bytes=True)[:3])  # zero stays neutral
    assert drawn[np.unravel_index(signed.argmax(), (6, 6))][0] > drawn[np.unravel_index(signed.argmin(), (6, 6))][0]


def test_an_overlay_keeps_the_picture_where_the_map_is_weak():
    mask = np.zeros((10, 8))
    mask[2, 3] = 1.0
    drawn = MapImages("gray", percentile=100, overlay=True).image(mask, STIMULUS)
    assert (drawn[0, 0] == (200, 100, 50)).all()
    brightest = np.array(colormaps["inferno"](1.0, bytes=True)[:3], float)
    np.testing.assert_allclose(drawn[2, 3], np.array([200, 100, 50]) * (1 - ALPHA) + brightest * ALPHA, atol=1)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_formats(suffix, tmp_path, capsys):
    arguments = ["-stim", table(tmp_path, NAMES[:1]), "-format", suffix, "-dpi", "50", "-overlay", "-out", tmp_path / "out"]
    assert run(capsys, *BUNDLED, *arguments)[0] == 0
    (file,) = (tmp_path / "out").iterdir()
    assert file.name == f"DemoNet_fc1_chn4-8_guided_RGB_overlay_fig1.{suffix}"
    content = file.read_bytes()
    if suffix == "png":
        with Image.open(file) as image:
            assert image.size == (500, 300) and "-meth guided" in image.info["Description"]
    else:
        assert (b"/FontFile2" in content and b"/Type3" not in content) if suffix == "pdf" else (b">chn8</text>" in content)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-percentile", "0"], "-percentile (=0) must be above 0"),
        (["-percentile", "101"], "-percentile (=101) must be above 0, and at most 100"),
        (["-dpi", "5"], "-dpi (=5) must be from 20 to 600"),
        (["-dnnbrain", "-overlay", "-format", "pdf"], "leave out -overlay, -format"),
        (["-mode", "gray", "-units", "-overlay"], "leave out -units"),
    ],
)
def test_options_that_do_not_fit(arguments, message, tmp_path, capsys):
    status, _, errors = run(capsys, *BUNDLED, "-stim", table(tmp_path, NAMES[:1]), "-out", tmp_path / "out", *arguments)
    assert status == 2 and message in errors and not (tmp_path / "out").exists()
