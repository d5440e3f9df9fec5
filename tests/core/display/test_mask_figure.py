"""The figure of one method's masks: its panels, scales, words and files."""

import io
import re

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

import saliency
from saliency import MaskArray, Vanilla
from saliency.core.display.map_style import MapStyle
from saliency.core.display.outline import strongest_pixels
from saliency.core.display.provenance import Provenance
from tests.reference import linear

RNG = np.random.default_rng(7)
PICTURE = RNG.integers(0, 256, (8, 10, 3), np.uint8)
VALUES = np.zeros((3, 8, 10))
VALUES[:, 2, 3], VALUES[:, 5, 6] = 2.0, [-1.0, -0.5, -0.5]  # sums 6 and -2


def described(values=VALUES, picture=PICTURE, target="class 7", unit="score", **details):
    x = None if picture is None else [np.moveaxis(picture, -1, 0)]
    return MaskArray.of(values, details, Provenance("Method", [target], x, 0, several=False, unit=unit))


def panels(figure):
    figure.draw_without_rendering()
    return {axes.get_title(): axes for axes in figure.axes if axes.get_title()}


def pixels(axes):
    (image,) = axes.images
    return np.asarray(image.get_array())


def test_the_panels_show_the_input_the_strength_and_the_sign():
    drawn = panels(described().figure(percentile=100))
    assert list(drawn) == ["input", "strength", "for (red), against (blue)"]
    np.testing.assert_allclose(pixels(drawn["input"]), PICTURE / 255)
    np.testing.assert_array_equal(pixels(drawn["strength"]), np.abs(VALUES).sum(0))
    np.testing.assert_array_equal(pixels(drawn["for (red), against (blue)"]), VALUES.sum(0))
    assert [drawn[name].images[0].get_clim() for name in list(drawn)[1:]] == [(0, 6), (-6, 6)]
    assert list(panels(described(abs(VALUES)).figure())) == ["input", "strength"]
    assert list(panels(described(abs(VALUES)).figure(layout="signed"))) == ["for (red), against (blue)"]
    assert list(panels(described().figure(layout="signed-input", cmap="PiYG"))) == ["for (+), against (-)", "input"]


def test_color_bars_state_the_unit_and_the_percentile():
    labels = [axes.get_ylabel() for axes in described().figure().axes if axes.get_ylabel()]
    assert labels == ["score (to 99th percentile)"] * 2
    figure = described().figure(units=False, percentile=100)
    figure.draw_without_rendering()
    bars = [axes for axes in figure.axes if axes.get_ylabel()]
    assert [axes.get_ylabel() for axes in bars] == ["1: maximum"] * 2
    assert [[tick.get_text() for tick in axes.get_yticklabels()] for axes in bars] == [["0", "1"], ["-1", "0", "1"]]
    for percentile, words in {91: "91st", 92.5: "92.5th", 93: "93rd", 12: "12th", 2: "2nd"}.items():
        assert MapStyle(percentile=percentile).bar_label("") == f"(to {words} percentile)"


@pytest.mark.parametrize(
    ("target", "names", "title"),
    [
        ("class 7", {7: "cat"}, "Method: class 7 (cat), score +2.5"),
        ("top class 7", ["a"] * 7 + ["cat"], "Method: top class 7 (cat), score +2.5"),
        ("top class 7 (dog)", {7: "cat"}, "Method: top class 7 (cat), score +2.5"),  # in place of the model's name
        ("class 7 (dog (small))", {8: "cat"}, "Method: class 7 (dog (small)), score +2.5"),
        ("classes 7 + 17", {7: "cat"}, "Method: classes 7 (cat) + 17, score +2.5"),
        ("class 7 rather than class 8", {7: "cat", 8: "dog"}, "Method: class 7 (cat) rather than class 8 (dog), score +2.5"),
        ("layer class 7, channel 7", {7: "cat"}, "Method: layer class 7, channel 7, score +2.5"),
        ("class 77", {7: "cat"}, "Method: class 77, score +2.5"),
    ],
)
def test_titles_name_classes(target, names, title):
    figure = described(target=target, score=2.5).figure(class_names=names)
    assert figure.subfigs[0].get_suptitle() == title


def test_a_title_and_a_picture_of_the_user():
    other = Image.fromarray(RNG.integers(0, 256, (16, 20, 3), np.uint8)).convert("P", palette=Image.Palette.ADAPTIVE)
    figure = described(picture=None).figure(image=other, title="mine")
    assert figure.subfigs[0].get_suptitle() == "mine"
    np.testing.assert_allclose(pixels(panels(figure)["input"]), np.asarray(other.convert("RGB")) / 255)


def test_an_overlay_keeps_the_colors_of_the_picture():
    drawn = panels(described().figure(overlay=True, percentile=100))
    strength, signed = (pixels(drawn[name]).astype(float) for name in ("strength", "for (red), against (blue)"))
    weak = np.abs(VALUES).sum(0) == 0
    for image in (strength, signed):
        np.testing.assert_array_equal(image[weak], PICTURE[weak])
    blue, red, brightest = (np.array(colormaps[name](end, bytes=True)[:3]) for name, end in
                            (("coolwarm", 0), ("coolwarm", 1.0), ("inferno", 1.0)))  # fmt: skip
    np.testing.assert_allclose(strength[2, 3], 0.15 * PICTURE[2, 3] + 0.85 * brightest, atol=1)
    np.testing.assert_allclose(signed[2, 3], 0.15 * PICTURE[2, 3] + 0.85 * red, atol=1)
    opacity = 0.85 / 3  # a third as strong
    np.testing.assert_allclose(signed[5, 6], (1 - opacity) * PICTURE[5, 6] + opacity * blue, atol=1)


def test_an_overlay_of_a_small_map_covers_the_picture():
    small = described(np.array([[1.0, 0.0], [0.0, 0.0]]), unit="")
    image = pixels(panels(small.figure(overlay=True, image=np.zeros((20, 20, 3), np.uint8)))["strength"])
    assert image.shape == (20, 20, 3) and (image[:5, :5] > 0).any() and (image[15:, 15:] == 0).all()


def test_an_overlay_needs_a_picture_in_the_same_frame():
    with pytest.raises(ValueError, match=r"`overlay` \(=True\) needs a picture"):
        described(picture=None).figure(overlay=True)
    with pytest.raises(ValueError, match=r"`image` \(8 x 20\) must have the proportions of the input \(8 x 10\)"):
        described().figure(overlay="outline", image=np.zeros((8, 20, 3), np.uint8))
    described().figure(image=np.zeros((8, 20, 3), np.uint8))  # beside it, any picture may stand


def test_the_strongest_pixels_are_outlined():
    rows, columns = np.mgrid[:100, :100]
    disc = np.exp(-((rows - 30) ** 2 + (columns - 60) ** 2) / 400)
    area = strongest_pixels(disc)
    assert area.mean() == pytest.approx(0.05, abs=0.001)
    radius = np.sqrt(500 / np.pi)  # of a disc of 5 % of 10,000 pixels
    distance = np.hypot(rows - 30, columns - 60)
    assert area[distance < radius - 1].all() and not area[distance > radius + 1].any()
    assert not strongest_pixels(np.ones((9, 9))).any()
    spread = strongest_pixels((rows < 50).astype(float))  # more pixels share the maximum than are to be outlined
    assert spread[:40].all() and not spread[60:].any()
    figure = described(np.array([disc, 0 * disc, 0 * disc]), np.zeros((100, 100, 3), np.uint8)).figure(overlay="outline")
    drawn = panels(figure)
    assert drawn["strength"].collections and not [axes for axes in figure.axes if axes.get_ylabel()]
    (paths,) = drawn["strength"].collections[-1].get_paths()
    assert np.hypot(*(paths.vertices - [60, 30]).T) == pytest.approx(radius, abs=1.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "input-map"}, r"`layout` \(='input-map'\)"),
        ({"layout": "input-input"}, "`layout`"),
        ({"overlay": "outlines"}, "`overlay`"),
        ({"cmap": "blue"}, "`cmap`"),
        ({"title": 10**5000}, r"`title` \(=a value of type int\) must be a string, or None"),
        ({"percentile": 101}, "`percentile`"),
        ({"units": "yes"}, "`units`"),
        ({"class_names": "cat"}, "`class_names`"),
        ({"image": [PICTURE, PICTURE]}, "`image` .* must be a list of 1 pictures"),
        ({"image": np.zeros((2, 3, 4, 5))}, "`image`|mask or image"),
    ],
)
def test_invalid_options(options, message):
    with pytest.raises(ValueError, match=message):
        described().figure(**options)


def test_a_channel_and_a_plain_array_can_be_drawn():
    mask = Vanilla(linear(RNG.normal(size=(2, 3, 8, 9))), 0).GetMask(RNG.normal(size=(3, 8, 9)))
    np.testing.assert_array_equal(pixels(panels(mask[0].figure())["for (red), against (blue)"]), np.asarray(mask[0]))
    drawn = panels(mask[:, ::2].figure(image=PICTURE))
    np.testing.assert_allclose(pixels(drawn["strength"]), np.abs(mask[:, ::2]).sum(0))
    assert list(panels(mask[0, 0].figure())) == ["mask"]


@pytest.mark.parametrize("suffix", ["pdf", "svg"])
def test_text_stays_text_in_vector_files(suffix, tmp_path):
    path = tmp_path / f"a.{suffix}"
    described(score=2.0).figure().savefig(path)
    content = path.read_bytes()
    if suffix == "pdf":
        assert b"/FontFile2" in content and b"/CIDFontType2" in content and b"/Type3" not in content  # TrueType, Type 42
    else:
        assert b">Method: class 7, score +2</text>" in content


def test_maps_in_a_pdf_keep_their_pixels():
    fine = RNG.uniform(size=(3, 400, 400))
    described(fine, None).figure().savefig(buffer := io.BytesIO(), format="pdf")
    widths = [int(width) for width in re.findall(rb"/Width (\d+)", buffer.getvalue())]
    assert max(widths) >= 400


def test_a_notebook_shows_the_same_picture_as_html():
    mask = described(score=2.0, target='class 7 (a "cat")')
    html, (png, metadata) = mask._repr_html_(), mask._repr_png_()
    assert html.startswith('<img alt="Method: class 7 (a &quot;cat&quot;), score +2" src="data:image/png;base64,')
    data, about = mask._repr_mimebundle_()
    assert data == {"image/png": png, "text/html": html} and about == {"image/png": metadata}
    figure = saliency.show([PICTURE], ["it"])
    assert figure._repr_html_().startswith('<img alt="Pictures: it"') and set(figure._repr_mimebundle_()[0]) == set(data)
    assert mask[0]._repr_html_() is None and mask[0]._repr_mimebundle_() is None


def test_units_follow_the_options():
    x, model = RNG.normal(size=(2, 3, 8, 9)), linear(RNG.normal(size=(2, 3, 8, 9)))
    assert Vanilla(model, 0).GetMasks(x).about.unit == "score per unit of input"
    assert Vanilla(model, 0).GetSmoothedMask(x[0], nsamples=2).about.unit == "(score per unit of input)²"
    assert Vanilla(model, 0).GetSmoothedMask(x[0], nsamples=2, magnitude=False).about.unit == "score per unit of input"
    plain = saliency.IntegratedGradients(model, 0, x_steps=3)
    assert plain.GetMask(x[0]).about.unit == "score"
    assert plain.GetMask(x[0], multiply_by_inputs=False).about.unit == "score per unit of input"
    assert saliency.Occlusion(model, 0, size=4).GetMask(x[0])[0].about is None
