"""The figure of several methods: rows, columns, scales and words."""

import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import saliency
from saliency import IntegratedGradients, MaskArray, Occlusion, Vanilla
from saliency.core.display.provenance import Provenance
from tests.reference import linear

RNG = np.random.default_rng(3)
X = RNG.normal(size=(2, 3, 8, 9))
ADAPTER = linear(RNG.normal(size=(4, 3, 8, 9)))
VANILLA = Vanilla(ADAPTER).GetMasks(X, [1, 2])
OCCLUSION = Occlusion(ADAPTER, size=3, stride=2).GetMasks(X, [1, 2])


def drawn(figure):
    """Draw a figure and return its axes: those of images, and those of color bars."""
    figure.draw_without_rendering()
    bars = [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]
    return [axes for axes in figure.axes if axes not in bars], bars


def described(values, target="class 1", unit="score", method="Method"):
    return MaskArray.of(np.array(values, float), {}, Provenance(method, [target], None, None, several=False, unit=unit))


def test_pictures_in_rows_and_methods_in_columns():
    axes, bars = drawn(saliency.figure([VANILLA, OCCLUSION], class_names={1: "cat", 2: "dog"}))
    assert [one.get_title() for one in axes] == ["input", "Vanilla", "Occlusion", "", "", ""]
    score = [f"score {float(one.details['score']):+.3g}" for one in VANILLA]
    assert [one.get_ylabel() for one in axes] == [f"cat\n{score[0]}", "", "", f"dog\n{score[1]}", "", ""]
    for row, x in enumerate(X):
        picture, vanilla, occlusion = (np.asarray(one.images[0].get_array()) for one in axes[3 * row : 3 * row + 3])
        low, high = x.min((1, 2)), x.max((1, 2))
        np.testing.assert_allclose(picture, (x.transpose(1, 2, 0) - low) / (high - low))
        np.testing.assert_array_equal(vanilla, VANILLA[row].sum(0))
        np.testing.assert_array_equal(occlusion, np.asarray(OCCLUSION)[row, 0])
    assert len(bars) == 4 and [one.get_xlabel().replace("\n", " ") for one in bars] == [
        "", "score per unit of input (to 99th percentile)", "", "score (to 99th percentile)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("scale", "limits", "bars"), [("own", [3, 8, 1, 2], 4), ("method", [8, 8, 2, 2], 2), ("all", [8] * 4, 1)]
)
def test_scales_are_shared_as_asked(scale, limits, bars):
    maps = {peak: described([[0.0, peak], [0.0, 0.0]]) for peak in (1, 2, 3, 8)}
    figure = saliency.figure([[maps[3], maps[8]], [maps[1], maps[2]]], scale=scale, percentile=100)
    axes, found = drawn(figure)
    assert [axes[i].images[0].get_clim() for i in (0, 2, 1, 3)] == [(0, limit) for limit in limits] and len(found) == bars
    assert found[-1].get_xlabel() + found[-1].get_ylabel() == "score (to maximum)"


def test_the_ends_of_a_color_bar_are_numbers_of_the_map():
    (_, (bar,)) = drawn(saliency.figure([described([[-0.25, 0.5], [0.0, 0.0]])], percentile=100))
    assert [tick.get_text() for tick in bar.get_xticklabels()] == ["\N{MINUS SIGN}0.5", "0", "0.5"]
    (_, (bar,)) = drawn(saliency.figure([described([[0.0, 0.5], [0.0, 0.0]])], percentile=100, units=False))
    assert [tick.get_text() for tick in bar.get_xticklabels()] == ["0", "1"]


def test_signs_by_column_or_for_all():
    positive, negative = described([[0.0, 1.0], [0.0, 0.0]]), described([[0.0, -1.0], [0.0, 0.0]])
    axes, _ = drawn(saliency.figure([[positive, negative], [positive, positive]]))
    assert [one.images[0].get_cmap().name for one in axes] == ["coolwarm", "inferno"] * 2
    axes, _ = drawn(saliency.figure([negative], signed=False))
    assert np.asarray(axes[0].images[0].get_array()).max() == 1


def test_targets_that_differ_between_columns_are_titles():
    figure = saliency.figure(
        [described(np.eye(3), "class 1"), described(np.eye(3), "class 2")], ["a", "b"], class_names=["", "cat"]
    )
    axes, _ = drawn(figure)
    assert [one.get_title() for one in axes] == ["a\ncat", "b\nclass 2"] and not axes[0].get_ylabel()


def test_a_map_of_zeros_is_neutral():
    axes, _ = drawn(saliency.figure([described(np.zeros((3, 3)))], signed=True))
    assert axes[0].images[0].get_clim() == (-1, 1)
    axes, _ = drawn(saliency.figure([described(np.full((3, 3), -2.0))], signed=False))
    low, high = axes[0].images[0].get_clim()
    assert low == 2 and high > low


def test_the_score_of_the_input_is_shown_before_that_of_noisy_copies():
    smooth = Vanilla(ADAPTER, 1).GetSmoothedMask(X[0], nsamples=2, seed=0)
    axes, _ = drawn(saliency.figure([smooth, VANILLA[0]]))
    assert axes[0].get_ylabel() == f"class 1\nscore {float(VANILLA[0].details['score']):+.3g}"
    axes, _ = drawn(saliency.figure([smooth]))
    assert "mean score of the noisy copies" in axes[0].get_ylabel()


def test_long_names_are_wrapped_and_nothing_overlaps():
    long = [described(np.eye(4), "class 3 (" + "African elephant, " * 4 + ")", method="IntegratedGradients") for _ in range(6)]
    figure = saliency.figure(long, width=6, title="All")
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    axes, bars = drawn(figure)
    assert axes[0].get_title() == "Integrated\nGradients"
    boxes = [one.title.get_window_extent(renderer) for one in axes]
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
    texts = [one.xaxis.label.get_window_extent(renderer) for one in bars]
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(texts))
    whole = figure.get_tightbbox(renderer)
    assert whole.x0 > -0.05 and whole.y0 > -0.05 and whole.x1 < 6.05 and whole.y1 < figure.get_figheight() + 0.05


def test_pictures_of_the_user_overlays_and_plain_arrays():
    pictures = [RNG.integers(0, 256, (8, 9, 3), np.uint8) for _ in X]
    axes, bars = drawn(saliency.figure([list(np.asarray(VANILLA)), OCCLUSION], ["a", "b"], image=pictures, overlay="outline"))
    assert not bars and [np.asarray(one.images[0].get_array()).shape for one in axes] == [(8, 9, 3)] * 6
    np.testing.assert_allclose(axes[3].images[0].get_array(), pictures[1] / 255)
    assert axes[0].get_ylabel().startswith("class 1\nscore")
    lines, _ = drawn(saliency.figure([IntegratedGradients(linear(np.ones((2, 5))), 0, x_steps=2).GetMask(np.ones(5))]))
    assert [one.get_title() for one in lines] == ["input", "IntegratedGradients"] and len(lines[1].patches) == 5


def test_labels_are_shown_as_texts_and_a_title_must_be_one():
    axes, _ = drawn(saliency.figure([VANILLA, OCCLUSION], [7, 10**5000]))
    assert [one.get_title() for one in axes[:3]] == ["input", "7", "a value of type int"]
    with pytest.raises(saliency.InputError, match=r"`title` \(=7\) must be a string, or None"):
        saliency.figure([VANILLA], title=7)


def test_any_name_and_title_can_be_drawn():
    broken, names = b"\xff.png".decode(errors="surrogateescape"), dict.fromkeys(range(3), "$10$ \udcff \\frac")
    figures = [
        saliency.figure([VANILLA, OCCLUSION], [broken, "b"], title=broken, class_names=names),
        VANILLA.figure(title=broken, class_names=names),
        VANILLA[0].figure(title=broken),
        OCCLUSION[0].figure(class_names=names),
        saliency.show([X[0, :2]], [broken]),
    ]
    for figure in figures:
        figure.canvas.draw()
    assert [one.get_suptitle() for one in figures[:2]] == ["\\udcff.png"] * 2
    assert "$10$ \\udcff" in figures[3].subfigs[0].get_suptitle()


class WithoutArray:
    def __array__(self, *arguments, **options):
        raise TypeError("no array")


@pytest.mark.parametrize(
    ("masks", "options", "message"),
    [
        ([], {}, "`masks` .list. must be a list of masks"),
        (VANILLA, {}, r"`masks` \(MaskArray\) must be a list .* pass \[mask\]"),
        ([VANILLA, OCCLUSION[0]], {}, r"`masks\[1\]` \(1 masks\) must have as many masks as `masks\[0\]` \(2\)"),
        ([np.asarray(VANILLA)], {}, r"`masks\[0\]` \(shape \(2, 3, 8, 9\)\) cannot be drawn"),
        ([VANILLA], {"labels": "ab"}, "`labels`"),
        ([VANILLA], {"labels": ["a", "b"]}, "must be a list of 1 titles"),
        ([VANILLA], {"scale": "each"}, "`scale`"),
        ([VANILLA, OCCLUSION], {"scale": "all"}, "needs maps of one unit"),
        ([VANILLA], {"image": X[0]}, "`image` .* must be a list of 2 pictures"),
        ([VANILLA], {"image": WithoutArray()}, "`image` .* must be a list of 2 pictures"),
        ([VANILLA], {"width": 0}, "`width`"),
        ([VANILLA], {"signed": "no"}, "`signed`"),
    ],
)
def test_invalid_arguments(masks, options, message):
    with pytest.raises(ValueError, match=message):
        saliency.figure(masks, **options)
