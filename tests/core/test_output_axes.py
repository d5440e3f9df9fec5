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
    with pytest.raises(saliency.TargetError, match=r"\(N, 6, 3\), and it is not known.*saliency.Box.*saliency.Region\("):
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
