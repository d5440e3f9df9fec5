"""The masks of PAIR's interface: values in closed form, and how the user's function is called."""

import numpy as np
import pytest

import saliency.compat.pair.core as pair
from saliency.compat.pair.core import base
from tests.compat.pair.key_function import Quadratic

SHAPE = (5, 4, 3)
X = np.random.default_rng(1).random(SHAPE)


def test_the_gradient_and_what_the_function_receives():
    function, given = Quadratic(SHAPE), {"class": 3}
    mask = pair.GradientSaliency().GetMask(X, function, given)
    assert type(mask) is np.ndarray and mask == pytest.approx(function.a + 2 * function.b * X)
    ((batch, args, keys),) = function.calls
    assert args is given and keys == ["INPUT_OUTPUT_GRADIENTS"] and batch.shape == (1, *SHAPE)


@pytest.mark.parametrize(
    ("given", "received"), [("float32", "float32"), ("float64", "float64"), ("uint8", "float32"), ("int64", "float64")]
)
def test_a_function_receives_floats_of_the_type_of_the_input(given, received):
    function = Quadratic(SHAPE)
    pair.IntegratedGradients().GetMask((10 * X).astype(given), function, x_steps=2)
    pair.IntegratedGradients().GetSmoothedMask((10 * X).astype(given), function, x_steps=2, nsamples=1)
    assert {batch.dtype.name for batch, _, _ in function.calls} == {received}


@pytest.mark.parametrize(("steps", "size"), [(25, 1), (11, 5), (9, 10), (1, 4)])
def test_integrated_gradients_sum_both_ends_at_full_weight_in_full_batches(steps, size):
    function, start = Quadratic(SHAPE), np.full(SHAPE, 0.2)
    mask = pair.IntegratedGradients().GetMask(X, function, x_baseline=start, x_steps=steps, batch_size=size)
    points = [start + alpha * (X - start) for alpha in np.linspace(0, 1, steps)]
    assert mask == pytest.approx((X - start) * np.mean([function.a + 2 * function.b * point for point in points], axis=0))
    assert len(function.batches) == -(-steps // size) and set(function.batches[:-1]) <= {size}


def test_integrated_gradients_of_integers_do_not_wrap_around():
    function, x = Quadratic((3,)), np.array([3, 2, 1], np.uint8)
    start = np.array([7, 5, 9], np.uint8)
    mask = pair.IntegratedGradients().GetMask(x, function, x_baseline=start, x_steps=2)
    assert mask == pytest.approx((x.astype(float) - start) * (function.a + function.b * (x.astype(float) + start)), rel=1e-5)


def test_occlusion_calls_with_one_image_unless_more_are_allowed():
    def gray(image, size, **options):
        function = Quadratic((5, 5))
        return function, pair.Occlusion().GetMask(image, function, size=size, **options)

    image = X[..., 0] @ np.random.default_rng(2).random((4, 5))
    function, mask = gray(image, 3)
    drops = function.a * image + function.b * image * image
    expected = np.zeros((5, 5))
    for row in range(3):
        for column in range(3):
            window = np.s_[row : row + 3, column : column + 3]
            expected[window] += drops[window].sum()
    assert function.batches == [1] * 10 and mask == pytest.approx(expected)
    other, same = gray(image, 3, batch_size=4)
    assert max(other.batches) == 4 and same == pytest.approx(mask)
    assert pair.Occlusion().getY(image, function, None) == pytest.approx(drops.sum())


def test_one_number_for_each_image():
    message = "OUTPUT_LAYER_VALUES to be the same as x_value_batch - expected 1, actual 2"
    with pytest.raises(ValueError, match=message):
        pair.Occlusion().GetMask(X, lambda *_, **__: {"OUTPUT_LAYER_VALUES": np.zeros(2)}, size=3)
    with pytest.raises(ValueError, match="must hold one number for each of the 1 inputs"):
        pair.Occlusion().GetMask(X, lambda *_, **__: {"OUTPUT_LAYER_VALUES": np.zeros((1, 10))}, size=3)


@pytest.mark.parametrize("magnitude", [True, False])
def test_smoothing_calls_get_mask_for_each_sample(magnitude):
    class Input(pair.CoreSaliency):
        calls = 0

        def GetMask(self, x_value, call_model_function, call_model_args=None, factor=1):
            self.calls += 1
            return factor * x_value[..., 0]  # of another shape than the input

    method, x = Input(), np.arange(60).reshape(SHAPE)
    np.random.seed(4)
    mask = method.GetSmoothedMask(x, None, stdev_spread=0.1, nsamples=6, magnitude=magnitude, factor=2)
    np.random.seed(4)
    copies = np.stack([2 * (x + np.random.normal(0, 5.9, SHAPE))[..., 0] for _ in range(6)])
    assert mask == pytest.approx((copies**2 if magnitude else copies).mean(axis=0), rel=1e-5)
    assert method.calls == 6 and mask.dtype == np.float32


def test_grad_cam_is_scaled_and_mirrored_at_the_border():
    function = Quadratic((2, 4, 1))
    values = np.array([[1.0, 3.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0]])[..., None]
    raw = pair.GradCam().GetMask(values, function, should_resize=False, three_dims=False)
    assert raw == pytest.approx(np.maximum(0, values + 2 * (1 - values))[..., 0])
    assert function.calls[0][2] == ["CONVOLUTION_LAYER_VALUES", "CONVOLUTION_OUTPUT_GRADIENTS"]

    def coarse(batch, call_model_args=None, expected_keys=None):
        return {"CONVOLUTION_LAYER_VALUES": [[[[1.0], [3.0]]]], "CONVOLUTION_OUTPUT_GRADIENTS": [[[[1.0], [1.0]]]]}

    mask = pair.GradCam().GetMask(values, coarse)
    assert mask.shape == (2, 4, 3)  # at 1/4 beyond the center of the first position, the mirrored neighbor counts 1/4
    assert mask[:, :, 1] == pytest.approx(np.array([[1.5, 1.5, 2.5, 2.5]] * 2) / 3)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ({}, "must return a mapping with the key 'INPUT_OUTPUT_GRADIENTS'; it returned keys none"),
        (None, "it returned NoneType"),
        ({"INPUT_OUTPUT_GRADIENTS": None}, r"expected \(1, 3\), actual \(\)"),
        ({"INPUT_OUTPUT_GRADIENTS": np.zeros(3)}, r"same shape as input x_value_batch - expected \(1, 3\), actual \(3,\)"),
        ({"INPUT_OUTPUT_GRADIENTS": np.full((1, 3), np.nan)}, "`INPUT_OUTPUT_GRADIENTS` holds 3 of 3 values that are NaN"),
    ],
)
def test_what_a_function_must_return(returned, message):
    with pytest.raises(ValueError, match=message):
        pair.GradientSaliency().GetMask([3.0, 2.0, 1.0], lambda *_, **__: returned)


def test_checked_outputs_are_arrays_in_another_mapping():
    given = {"INPUT_OUTPUT_GRADIENTS": [[1.0, 2.0]], "other": "x"}
    found = pair.CoreSaliency().format_and_check_call_model_output(given, (1, 2), ["INPUT_OUTPUT_GRADIENTS"])
    assert isinstance(found["INPUT_OUTPUT_GRADIENTS"], np.ndarray) and found["other"] == "x"
    assert isinstance(given["INPUT_OUTPUT_GRADIENTS"], list)
    assert set(base.SHAPE_ERROR_MESSAGE) == {key for key in pair.__all__ if getattr(pair, key) == key}


def test_the_users_function_may_overwrite_its_batch_and_raise_what_it_wants():
    def overwriting(batch, call_model_args=None, expected_keys=None):
        batch *= 2
        return {"INPUT_OUTPUT_GRADIENTS": batch}

    x = X.copy()
    assert pair.GradientSaliency().GetMask(x, overwriting) == pytest.approx(2 * X) and (x == X).all()
    with pytest.raises(ZeroDivisionError):
        pair.GradientSaliency().GetMask(x, lambda *_, **__: 1 / 0)
    with pytest.raises(NotImplementedError):
        pair.CoreSaliency().GetMask(x, overwriting)


def test_pictures_have_their_channels_last():
    mask = np.random.default_rng(3).normal(size=(3, 8, 7))
    assert pair.VisualizeImageGrayscale(mask).shape == (3, 8)
    signed = pair.VisualizeImageDiverging(mask)
    assert (np.sign(signed) == np.sign(mask.sum(axis=-1))).all()  # zero is neutral
