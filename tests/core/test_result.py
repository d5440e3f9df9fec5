"""MaskArray: descriptions, figures, details and memory."""

import gc
import pickle
import subprocess
import sys
import weakref

import numpy as np
import pytest

import saliency
from saliency import GradCAM, IntegratedGradients, MaskArray, Occlusion, Vanilla
from saliency.core.display.projection import MaskProjection
from tests.reference import linear, quadratic

RNG = np.random.default_rng(3)
X = RNG.normal(size=(6, 3, 8, 9))
W = RNG.normal(size=(4, 3, 8, 9))


def alt(mask):
    png, metadata = mask._repr_png_()
    assert png.startswith(b"\x89PNG")
    return metadata["alt"]


def test_a_mask_renders_with_its_target_and_score():
    score = f"{(X[0] * W[2]).sum():+.3g}"
    assert alt(Vanilla(linear(W), 2).GetMask(X[0])) == f"Vanilla: class 2, score {score}"
    assert alt(Vanilla(linear(W)).GetMasks(X)) == "Vanilla: the first 4 of 6 masks"
    assert alt(Vanilla(linear(W)).GetMasks(X[:3])) == "Vanilla: 3 masks"
    top = int((X[0] * W).sum((1, 2, 3)).argmax())
    assert alt(Vanilla(linear(W)).GetMask(X[0])).startswith(f"Vanilla: top class {top}, score ")


@pytest.mark.parametrize("size", [1, 4, 100])
def test_the_score_is_recorded_if_the_method_evaluates_the_input(size):
    adapter = linear(W)
    masks = Vanilla(adapter, 1, batch_size=size).GetMasks(X)
    np.testing.assert_allclose(masks.details["score"], (X * W[1]).sum((1, 2, 3)))
    assert sum(adapter.passes) == 6
    np.testing.assert_allclose(Occlusion(adapter, 1, size=4).GetMasks(X).details["score"], masks.details["score"])
    details = IntegratedGradients(adapter, 1).GetMask(X[0], details=True).details
    assert details["score"] == pytest.approx(masks.details["score"][0])


def test_no_score_is_evaluated_for_the_figure_alone():
    adapter = linear(W)
    mask = IntegratedGradients(adapter, 1, x_steps=5).GetMask(X[0])
    assert sum(adapter.passes) == 5 and alt(mask) == "IntegratedGradients: class 1"


@pytest.mark.parametrize("tolerance", [None, 0.5])
def test_a_smoothed_mask_records_the_mean_score_of_its_copies(tolerance):
    masks = Vanilla(quadratic([1]), 0).GetSmoothedMasks(X, nsamples=40, stdev_spread=0.1, seed=0, tolerance=tolerance)
    spread = 0.1 * (X.max((1, 2, 3)) - X.min((1, 2, 3)))
    expected = quadratic([1]).f(X)[:, 0] + spread**2 * X[0].size / 2  # E[(x + n)^2] = x^2 + sigma^2
    np.testing.assert_allclose(masks.details["mean_score"], expected, rtol=0.05)
    assert "mean score of the noisy copies" in alt(masks[1]) and "score" not in masks.details


def test_one_of_many_masks_keeps_its_details():
    masks = Vanilla(linear(W)).GetMasks(X, y=[0, 1, 2, 3, 0, 1])
    assert alt(masks[2]) == alt(masks.one(2)) == alt(masks[-4]) == alt(list(masks)[2])
    assert masks[np.int64(2)].details.keys() == {"score"} and masks[2].shape == (3, 8, 9)
    assert masks[True].shape == (1, 6, 3, 8, 9) and masks[:, 0].about is None and masks[:, 0].details == {}
    assert [alt(one) for one in masks[1:5:2]] == [alt(masks[1]), alt(masks[3])] and alt(masks[1:3]) == "Vanilla: 2 masks"
    assert masks[2][0].about is None and masks[2][0]._repr_png_() is None
    assert [type(row) for row in masks[2]] == [MaskArray] * 3
    with pytest.raises(IndexError):
        masks[6]
    with pytest.raises(ValueError, match=r"`mask` \(shape \(6, 8, 9\)\) cannot be drawn"):
        masks[:, 0].figure()
    with pytest.raises(ValueError, match=r"`mask` \(length 0\)"):
        masks[:0].figure()
    with pytest.raises(ValueError, match="`rows`"):
        masks.figure(rows=0)


def test_asarray_returns_a_plain_array():
    """Quantus, for one, tests ``type(a) is np.ndarray``."""
    masks = Vanilla(linear(W), 0)
    for one in (
        masks.GetMasks(X),
        masks.GetMasks(X)[0],
        masks.GetSmoothedMask(X[0], nsamples=2),
        masks.GetSmoothedMasks(X, nsamples=2),
    ):
        assert type(one) is MaskArray and type(np.asarray(one)) is np.ndarray
    mask = masks.GetMask(X[0])
    assert type(np.asarray(mask)) is np.ndarray and not hasattr(np.asarray(mask), "_repr_png_")
    assert np.asarray(mask).base is not mask  # nor does it hold the input
    assert repr(mask).startswith("MaskArray([[[")


def test_a_pickle_does_not_contain_the_input():
    x = RNG.normal(size=(3, 60, 60))
    mask = Vanilla(quadratic([1]), 0).GetMask(x)
    written = pickle.dumps(mask)
    assert len(written) < mask.nbytes + 2000
    again = pickle.loads(written)  # noqa: S301
    assert alt(again) == alt(mask) and again.about.inputs is None


def test_host_inputs_are_not_copied():
    mask, masks = Vanilla(linear(W), 0).GetMask(X[0]), Vanilla(linear(W), 0).GetMasks(X)
    assert np.shares_memory(mask.about.inputs[0], X) and masks.about.inputs is X
    assert np.shares_memory(masks[3].about.inputs[0], X[3])


@pytest.mark.needs("torch")
def test_neither_the_model_nor_a_graph_is_kept():
    import torch

    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 2, 3)).eval()
    before = torch.nn.Conv2d(3, 3, 1)
    gone = [weakref.ref(model), weakref.ref(before), weakref.ref(before.weight)]
    x = before(torch.from_numpy(X).float())
    mask = [
        GradCAM(model, (model[2], 1)).GetMask(x[0]),
        Vanilla(model, lambda outputs, model=model: outputs.mean((1, 2, 3)) * (model is not None)).GetMasks(x),
        Vanilla(model).GetMasks([x[0]] * 2, [0, 1]),
        Vanilla(model, 0).GetSmoothedMask(x[0].detach().to_sparse(), nsamples=2),
    ]
    assert np.shares_memory(mask[1].about.inputs, x.detach().numpy())
    del model, before, x
    gc.collect()
    assert [ref() for ref in gone] == [None] * 3
    assert [alt(one) for one in mask]


@pytest.mark.parametrize(
    ("shape", "axis", "drawn", "picture"),
    [
        ((3, 8, 9), 0, (8, 9), (8, 9, 3)),
        ((8, 9, 4), -1, (8, 9), (8, 9, 3)),
        ((31, 8, 9), 0, (8, 9), (8, 9)),
        ((8, 9), None, (8, 9), (8, 9)),
        ((7,), 0, (7,), (7,)),
        ((), 0, (), None),
        ((2, 5, 8, 9), 0, (8, 9), (8, 9)),
        ((5, 8, 9, 3), -1, (8, 9), (8, 9, 3)),
        ((5, 8, 9), None, (8, 9), (8, 9)),
    ],
)
def test_every_shape_can_be_drawn(shape, axis, drawn, picture):
    x = RNG.normal(size=shape)
    plane = MaskProjection.of(x, x, axis)
    assert plane.signed.shape == plane.strength.shape == drawn
    assert (None if plane.picture is None else plane.picture.shape) == picture
    assert MaskProjection.of(x, None, axis).picture is None
    one = saliency.wrap(lambda batch: batch.reshape(len(batch), -1), channel_axis=axis)
    mask = Occlusion(one, 0).GetMask(x if shape else x[None], size=1)
    assert alt(mask).startswith("Occlusion: class 0, score ")


def test_a_volume_is_drawn_by_its_strongest_slice():
    mask = np.zeros((2, 5, 8, 9))
    mask[:, 3, 4, 4] = [2.0, -1.0]
    plane = MaskProjection.of(mask, mask, 0)
    assert (plane.slices, plane.signed[4, 4], plane.strength[4, 4]) == ("slice 3 of 5", 1.0, 3.0)


def test_equal_channels_count_once_so_that_the_scale_is_in_score_units():
    mask = Occlusion(linear(W), 0, size=3, stride=3).GetMask(X[0])
    np.testing.assert_array_equal(MaskProjection.of(mask, X[0], 0).signed, mask[0])
    mask = Vanilla(linear(W), 0).GetMask(X[0])
    np.testing.assert_allclose(MaskProjection.of(mask, X[0], 0).strength, np.abs(W[0]).sum(0))


def test_a_map_of_another_size_is_drawn_beside_its_input():
    from PIL import Image

    plane = MaskProjection.of(np.ones((4, 4)), X[0], 0)
    assert plane.picture.shape == (8, 9, 3) and plane.picture.min() == 0 and plane.picture.max() == 1
    picture = Image.fromarray(RNG.integers(0, 255, (8, 9, 3), np.uint8))
    mask = Vanilla(linear(W), 0).GetMask(picture)
    np.testing.assert_array_equal(MaskProjection.of(mask, mask.about.input(0), 0).picture, np.asarray(picture) / 255)


def test_nothing_is_drawn_before_it_is_displayed():
    code = (
        "import sys, saliency; m = saliency.Occlusion(lambda x: x.sum(2), 0).GetMask([[1.0, 2.0]], size=1); repr(m); str(m);"
        "assert 'matplotlib' not in sys.modules; m._repr_png_(); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_ipython_shows_an_image_in_a_notebook_and_numbers_in_a_terminal():
    formatters = pytest.importorskip("IPython.core.formatters")
    mask = Vanilla(linear(W), 0).GetMask(X[0])
    data, metadata = formatters.DisplayFormatter().format(mask)
    assert set(data) == {"text/plain", "image/png", "text/html"} and metadata["image/png"]["alt"].startswith(
        "Vanilla: class 0"
    )
    assert "array" in data["text/plain"].lower()
    data, _ = formatters.DisplayFormatter().format(mask, include={"text/plain"})
    assert set(data) == {"text/plain"}
