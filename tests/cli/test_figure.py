"""The layout of a figure, compared with Matplotlib's ``tight_layout``, and what a figure contains."""

import numpy as np
import pytest
from PIL import Image

from saliency.cli.figure_file import figure_pixels
from saliency.cli.figure_layout import LABEL_WIDTH, PAD, RightMargin, image_boxes

pytest.importorskip("matplotlib")

from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from saliency.cli.figure import COLOR_BAR_MARGIN, SaliencyFigure, _open_scale

RNG = np.random.default_rng(0)
KINDS = {
    "squares": [[(96, 96)] * 6] * 3,
    "one column": [[(348, 500)], [(224, 224)]],
    "several aspect ratios": [[(60, 200), (300, 100), (96, 96)], [(96, 96)] * 3],
    "many rows": [[(50, 60)] * 2] * 12,
}
SCALE = {"cmap": "gray", "vmin": None, "vmax": None}


def height(rows):
    return float(max(6, rows))


@pytest.mark.parametrize("kind", KINDS)
def test_positions_equal_those_of_matplotlib_s_tight_layout(kind):
    """Matplotlib's label width depends on the font, so the tolerance is a tenth of an inch."""
    shapes = np.array(KINDS[kind], float)
    size = 10.0, height(len(shapes))
    figure = Figure(size, dpi=100)
    axes = figure.subplots(*shapes.shape[:2], squeeze=False)
    for one, shape in zip(axes.flat, shapes.reshape(-1, 2).astype(int), strict=True):
        one.imshow(np.zeros(shape))
        one.set_xticks([])
        one.set_yticks([])
    for row in axes:
        row[0].set_ylabel("chn1")
    figure.tight_layout()
    figure.canvas.draw()
    for one, (left, top, wide, high) in zip(axes.flat, image_boxes(size, shapes, RightMargin()).reshape(-1, 4), strict=True):
        box = one.get_position().transformed(figure.transSubfigure).transformed(figure.dpi_scale_trans.inverted())
        expected = box.x0, size[1] - box.y1, box.width, box.height
        np.testing.assert_allclose((left, top, wide, high), expected, atol=0.1)


@pytest.mark.parametrize("margin", [RightMargin(), COLOR_BAR_MARGIN])
@pytest.mark.parametrize("kind", [*KINDS, "thousands of rows"])
def test_images_keep_their_aspect_ratio_and_do_not_overlap(kind, margin):
    shapes = np.array(KINDS.get(kind, [[(9, 9)]] * 5000), float)
    size = 10.0, min(height(len(shapes)), 650.0)
    found = image_boxes(size, shapes, margin)
    left, top, wide, high = np.moveaxis(found, -1, 0)
    right, bottom = left + wide * (1 + margin.share) + margin.inches, top + high
    np.testing.assert_allclose(high / wide, shapes[..., 0] / shapes[..., 1])
    pad = min(PAD, size[1] / len(shapes) / 4)
    assert left.min() >= LABEL_WIDTH + PAD - 1e-9 and right.max() <= size[0] - PAD + 1e-9
    assert top.min() >= pad - 1e-9 and bottom.max() <= size[1] - pad + 1e-9
    assert (left[:, 1:] - right[:, :-1] > 0).all() and (top[1:] - bottom[:-1] > 0).all()


def test_a_figure_of_hundreds_of_rows_has_one_axes():
    sheet = SaliencyFigure(701, 1, show=False)
    picture, image = Image.new("RGB", (4, 4)), np.zeros((4, 4), np.uint8)
    sheet.draw([picture], {f"chn{i}": [image] for i in range(1, 701)}, SCALE)
    (axes,) = sheet.figure.axes
    assert len(axes.images) == len(axes.patches) == len(axes.texts) == 701
    assert [text.get_text() for text in axes.texts[:3]] == ["stim", "chn1", "chn2"]


def test_images_are_drawn_upright_in_their_boxes_with_frames(tmp_path):
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0], pixels[1, 1] = (255, 0, 0), (0, 0, 255)  # red above on the left, blue below on the right
    sheet = SaliencyFigure(2, 2, show=False)
    sheet.draw([Image.fromarray(pixels), None], {"chn1": [pixels, None]}, SCALE)
    sheet.save(tmp_path / "x.jpg", "a comment")
    with Image.open(tmp_path / "x.jpg") as file:
        assert file.size == (1000, 600) and file.info["comment"] == b"a comment"
        drawn = np.asarray(file, float)
    shapes = np.array([[(2, 2)] * 2] * 2, float)
    for row in image_boxes((10.0, 6.0), shapes, RightMargin()) * 100:
        left, top, wide, high = row[0]
        for (down, across), color in {(0, 0): (255, 0, 0), (1, 1): (0, 0, 255), (0, 1): (0, 0, 0)}.items():
            at = drawn[int(top + high * (0.25 + down / 2)), int(left + wide * (0.25 + across / 2))]
            np.testing.assert_allclose(at, color, atol=12)
        assert drawn[int(top + high * 0.2), round(left) - 1 : round(left) + 2].min() < 80  # the frame
        left, top, wide, high = row[1]
        assert drawn[int(top) - 2 : int(top + high) + 2, int(left) - 2 : int(left + wide) + 2].min() > 250  # a gap


def test_a_map_of_floats_has_a_color_bar_of_its_height(tmp_path):
    sheet = SaliencyFigure(2, 2, show=False)
    maps = [RNG.normal(size=(8, 8)) * 1e-4, None]
    sheet.draw([Image.new("RGB", (8, 8)), None], {"chn1": maps}, SCALE)
    _, bar = sheet.figure.axes
    left, top, wide, high = image_boxes((10.0, 6.0), np.full((2, 2, 2), 8.0), COLOR_BAR_MARGIN)[1, 0]
    box = bar.get_position()
    np.testing.assert_allclose((box.y0 * 6, box.height * 6), (6 - top - high, high))
    assert left + wide < box.x0 * 10 < box.x1 * 10 <= left + wide * (1 + COLOR_BAR_MARGIN.share) + 1e-9
    sheet.save(tmp_path / "x.jpg")
    labels = [text.get_window_extent().x1 / 100 for text in bar.get_yticklabels()]
    assert max(labels) <= left + wide * (1 + COLOR_BAR_MARGIN.share) + COLOR_BAR_MARGIN.inches + PAD


def test_captions_are_shortened_to_the_width_of_their_images():
    stimuli = [Image.new("RGB", (8, 8))] * 2 + [None] * 4
    sheet = SaliencyFigure(2, 6, show=False)
    maps = {"top": [np.zeros((8, 8, 3), np.uint8)] * 2 + [None] * 4}
    sheet.draw(stimuli, maps, SCALE, {"top": ["zebra", "a" * 80 + "\nnot b", *[""] * 4]})
    _, _, *captions = sheet.figure.axes[0].texts
    assert [one.get_text() for one in captions] == ["zebra", captions[1].get_text()]
    assert captions[1].get_text().endswith("aaa...\nnot b")
    figure_pixels(sheet.figure, 100)
    for frame, caption in zip(sheet.figure.axes[0].patches[2:], captions, strict=True):
        drawn, image = caption.get_window_extent(), frame.get_window_extent()
        assert image.x0 < drawn.x0 and drawn.x1 < image.x1 and image.y0 < drawn.y0 and drawn.y1 < image.y1


@pytest.mark.parametrize(("limits", "color"), [({"vmin": None, "vmax": -5.0}, 255), ({"vmin": 300.0, "vmax": None}, 0)])
def test_a_limit_beyond_all_values_draws_them_in_the_color_of_this_end(limits, color):
    image = np.array([[0.0, 100.0], [200.0, 255.0]])
    scale = _open_scale(image, {"cmap": "gray", **limits})
    colors = colormaps["gray"](Normalize(scale["vmin"], scale["vmax"])(image), bytes=True)
    assert (colors[..., :3] == color).all()


def test_other_limits_are_those_of_the_user():
    for limits in (
        {"vmin": None, "vmax": 5.0},
        {"vmin": 3.0, "vmax": None},
        {"vmin": 3.0, "vmax": 5.0},
        {"vmin": None, "vmax": None},
    ):
        assert _open_scale(np.array([[0.0, 255.0]]), {"cmap": "gray", **limits}) == {"cmap": "gray", **limits}
