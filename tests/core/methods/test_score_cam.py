"""Score-CAM."""

import numpy as np

from saliency import ScoreCAM
from tests.core.methods.layered_function import LayeredAdapter, on_layer
from tests.reference import MinimalArray


def test_score_cam_weighs_channels_by_what_they_show():
    layer = np.array([[0, 3, 0], [0.1, 0.1, 0.1], [4, 0, 0]])  # the second is level: it shows nothing
    x = np.array([[1, 2, 3, 4]], float)
    # resized and scaled to 0..1: [0, 1, 1, 0], [0, 0, 0, 0] and [1, 3/8, 0, 0]
    for slope in (1, 300, -300):  # large scores as well
        adapter = LayeredAdapter(
            lambda x, s=slope: s * x.sum((1, 2))[:, None], None, lambda x: np.stack([layer] * len(x)), [np.ones((3, 3))]
        )
        scores = slope * np.array([5, 0, 1.75])
        weights = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        np.testing.assert_allclose(ScoreCAM(adapter, 0).GetMask(x, should_resize=False), weights @ layer, rtol=1e-12)


def test_a_level_channel_shows_nothing_however_it_is_rounded():
    class Single(LayeredAdapter):
        def asarray(self, value, name="x_value"):
            return MinimalArray(super().asarray(value, name).array.astype(np.float32))

    layer = np.array([[0, 3, 0], [0.7, 0.7, 0.7]], np.float32)
    adapter = Single(lambda x: x.sum((1, 2))[:, None], None, lambda x: np.stack([layer] * len(x)), [np.ones((2, 3))])
    mask = ScoreCAM(adapter, 0).GetMask(np.ones((1, 7)), should_resize=False)
    weight = 1 / (1 + np.exp(-17 / 7))  # masked with [0, 1/7, 4/7, 1, 4/7, 1/7, 0], and with zeros
    np.testing.assert_allclose(mask, np.array([weight, 1 - weight]) @ layer, rtol=1e-6)


def test_score_cam_does_not_depend_on_the_batch_size():
    rng = np.random.default_rng(1)
    slopes = rng.normal(size=(3, 5, 3, 4))
    x = 1 + rng.random((4, 5, 6, 8))
    expected = [ScoreCAM(on_layer(slopes), y, batch_size=64).GetMask(one) for one, y in zip(x, [0, 1, 2, 1], strict=True)]
    for size in (1, 3, 8, 100):
        np.testing.assert_allclose(ScoreCAM(on_layer(slopes), batch_size=size).GetMasks(x, [0, 1, 2, 1]), expected, rtol=1e-10)


def test_a_smoothed_score_cam_is_the_mean_of_its_maps():
    rng = np.random.default_rng(1)
    adapter = on_layer(rng.random((1, 2, 2, 3)))
    x = 1 + rng.random((2, 4, 6))
    smooth = ScoreCAM(adapter, 0).GetSmoothedMask(x, nsamples=4, average="mean", seed=3)
    masks = [np.asarray(ScoreCAM(adapter, 0).GetMask(one)) for one in np.concatenate(adapter.layer_inputs)]
    np.testing.assert_allclose(smooth, np.mean(masks, axis=0), rtol=1e-9)
