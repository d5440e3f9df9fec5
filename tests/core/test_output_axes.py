"""A class of an output whose axes may mean anything is refused; regions and the usual outputs are not."""

import numpy as np
import pytest

import saliency

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(3, 8, 8))


def detector(x):
    """Return what YOLO returns, (N, 4 + 2 classes, 3 anchors)."""
    return np.stack([x[:, 0, row, :3] for row in range(6)], axis=1)


def occlusion(function, y, x=IMAGE):
    adapter = saliency.FunctionAdapter(function, channel_axis=0)
    return saliency.Occlusion(adapter, y, size=(4,) * (x.ndim - 1), stride=(4,) * (x.ndim - 1)).GetMask(x)


@pytest.mark.parametrize("y", [3, [3, 4], None, saliency.Difference(4, 5)])
def test_a_class_of_a_bare_detector_is_refused(y):
    with pytest.raises(saliency.TargetError, match=r"6 and 3 entries, and it is not known.*saliency.Box.*saliency.Region\("):
        occlusion(detector, y)


def test_a_region_of_it_is_what_it_says():
    expected = occlusion(lambda x: detector(x)[:, 3].mean(1), lambda score: score)
    np.testing.assert_allclose(occlusion(detector, saliency.Region(3)), expected)


def test_a_class_of_each_usual_output_stays():
    def planes(x):
        return x[:, :, ::2, ::2]

    expected = occlusion(lambda x: planes(x)[:, 1].mean((1, 2)), lambda score: score)
    np.testing.assert_allclose(occlusion(planes, 1), expected)
    np.testing.assert_allclose(occlusion(lambda x: planes(x).mean((2, 3)), 1), expected)
    signal = IMAGE[:, 0]
    expected = occlusion(lambda x: x[:, 1].mean(1), lambda score: score, signal)
    np.testing.assert_allclose(occlusion(lambda x: x[:, :, ::1], 1, signal), expected)


def dense(x):
    """Return a dense output of an image (rows, columns, channels), with two classes last."""
    return np.stack([x[..., 0] ** 2, x[..., 1] * x[..., 2]], axis=-1)


def dense_vjp(x, cotangent):
    one, other = cotangent[..., 0], cotangent[..., 1]
    return np.stack([2 * x[..., 0] * one, x[..., 2] * other, x[..., 1] * other], axis=-1)


def test_the_axis_of_a_channels_last_function_is_named():
    x = RNG.normal(size=(4, 6, 3))
    model = saliency.wrap(dense, vjp=dense_vjp, channel_axis=-1, dtype="float64")
    for y in (1, saliency.Region(1), None):
        with pytest.raises(saliency.TargetError, match=r"output \(N, 4, 6, 2\), and the model does not show.*axis=-1\)"):
            saliency.Vanilla(model, y).GetMask(x)
    mask = saliency.Vanilla(model, saliency.Region(1, axis=-1)).GetMask(x)
    expected = np.stack([np.zeros((4, 6)), x[..., 2], x[..., 1]], -1) / 24
    np.testing.assert_allclose(mask, expected, rtol=1e-6)
    weights = RNG.random((4, 6))
    ys = [saliency.Region(1, weights, axis=3), saliency.Region(0, "peak", axis=-1)]
    masks = saliency.Vanilla(model).GetMasks([x, x], ys)
    np.testing.assert_allclose(masks[0], expected * 24 * (weights / weights.sum())[..., None], rtol=1e-6)
    peak = np.unravel_index(np.abs(x[..., 0]).argmax(), (4, 6))
    assert np.argwhere(np.asarray(masks[1])).tolist() == [[*peak, 0]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: saliency.Region(1, axis=0), "`axis`.*other than 0"),
        (lambda: saliency.Region(1, axis=1.5), "`axis`.*whole number"),
        (lambda: saliency.Region(None, axis=1), "`axis`.*needs a channel"),
        (lambda: saliency.Region(1, axis=4), r"`axis` \(=4\).*1 to 3, or from the end -3 to -1"),
        (lambda: saliency.Region(1, axis=-4), r"`axis` \(=-4\).*1 to 3"),
        (lambda: saliency.Difference(saliency.Region(1, axis=1), saliency.Region(0, axis=-1)), "name different axes"),
        (lambda: saliency.Region(3, axis=3), "class or channel 3 is not in"),
    ],
)
def test_a_wrong_axis_is_refused(make, message):
    model = saliency.wrap(dense, channel_axis=-1)
    with pytest.raises((saliency.InputError, saliency.TargetError), match=message):
        saliency.Occlusion(model, make(), size=2, stride=2).GetMask(IMAGE.T)
