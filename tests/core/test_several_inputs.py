"""Several inputs of a function by name, and one baseline for each sample."""

import numpy as np
import pytest

import saliency
from saliency import RISE, FunctionAdapter, InputError, IntegratedGradients, Occlusion, PerSample
from tests.core.function_models import RNG, W, X
from tests.reference import linear

TABLES = RNG.normal(size=(3, 4))
V = RNG.normal(size=(4, 4))


def product(image, table, scale=1.0):
    return (image.reshape(len(image), -1) @ W) * (table @ V) * scale


def of_dictionary(batch):
    return product(batch["image"], batch["table"])


@pytest.mark.parametrize("function", [product, of_dictionary, lambda **inputs: product(**inputs)])
def test_a_function_is_occluded_at_each_input_in_turn(function):
    masks = Occlusion(function, 1).GetMasks({"image": X, "table": TABLES}, size=1, value={"table": 1.0})
    of_image, of_table = (X.reshape(3, -1) @ W)[:, 1], (TABLES @ V)[:, 1]
    drops = X.reshape(3, 2, 30) * W[:, 1].reshape(2, 30)  # a window covers both channels
    expected = np.broadcast_to(drops.sum(1, keepdims=True), drops.shape) * of_table[:, None, None]
    np.testing.assert_allclose(masks["image"].reshape(3, 2, 30), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(masks["table"], (TABLES - 1) * V[:, 1] * of_image[:, None], rtol=1e-4, atol=1e-4)


def test_an_input_in_turn_equals_the_input_alone():
    together = RISE(product, 1, nmasks=50, cells={"image": 3, "table": 2}).GetMask((X[0], TABLES[0]), {"scale": 0.5}, seed=1)
    by_table = FunctionAdapter(product, input="table")
    alone = RISE(by_table, 1, nmasks=50, cells=2).GetMask(TABLES[0], {"scale": 0.5, "image": X[0]}, seed=1)
    np.testing.assert_allclose(together["table"], alone, rtol=1e-5)
    assert together["image"].shape == (2, 5, 6) and together["table"].about.method == "RISE"
    smoothed = Occlusion(product, 1).GetSmoothedMask((X[0], TABLES[0]), size=1, seed=3, nsamples=2)["table"]
    expected = Occlusion(by_table, 1).GetSmoothedMask(TABLES[0], {"image": X[0]}, size=1, seed=3, nsamples=2)
    np.testing.assert_allclose(smoothed, expected, rtol=1e-5)


def test_errors_of_functions():
    with pytest.raises(saliency.ModelError, match="does not provide the gradient"):
        IntegratedGradients(product, 1).GetMask({"image": X[0], "table": TABLES[0]})
    with pytest.raises(InputError, match=r"names the input 'tables'.*nearest: 'table'"):
        Occlusion(product, 1).GetMask({"image": X[0], "tables": TABLES[0]}, size=1)
    with pytest.raises(InputError, match=r"missing 1 required.*Pass the missing input 'table' by name in `feed_dict`"):
        Occlusion(product, 1).GetMask(X[0], size=1)
    with pytest.raises(
        InputError, match=r"`input` \(='tables'\) must be .* argument of the function: 'image', 'table', 'scale'"
    ):
        FunctionAdapter(product, input="tables")


INPUTS, WEIGHTS = RNG.normal(size=(3, 2, 5)), RNG.normal(size=(2, 2, 5))


@pytest.mark.parametrize("batch_size", ["auto", 1])
def test_each_sample_has_its_own_baseline(batch_size):
    own = RNG.normal(size=INPUTS.shape)
    method = IntegratedGradients(linear(WEIGHTS), 1, batch_size=batch_size)
    masks = method.GetMasks(INPUTS, x_baseline=PerSample(own))
    np.testing.assert_allclose(masks, (INPUTS - own) * WEIGHTS[1])
    np.testing.assert_allclose(method.GetMasks(INPUTS, x_baseline=PerSample(list(own)), tolerance=0.1), masks)
    mixed = method.GetMasks(INPUTS, x_baseline=PerSample([0.0, own[1], "max"]))
    highest = np.full_like(own[2], INPUTS[2].max())
    np.testing.assert_allclose(mixed, (INPUTS - np.stack([0 * own[0], own[1], highest])) * WEIGHTS[1])
    two = method.GetMasks(INPUTS, x_baseline=PerSample([[one, -one] for one in own]))
    np.testing.assert_allclose(two, INPUTS * WEIGHTS[1])
    smoothed = method.GetSmoothedMasks(INPUTS, x_baseline=PerSample(own), nsamples=3, magnitude=False, stdev_spread=1e-9)
    np.testing.assert_allclose(smoothed, masks, rtol=1e-5, atol=1e-6)
    covered = Occlusion(linear(WEIGHTS), 1).GetMasks(INPUTS, size=1, value=PerSample(own))
    drops = ((INPUTS - own) * WEIGHTS[1]).sum(1, keepdims=True)
    np.testing.assert_allclose(covered, np.broadcast_to(drops, covered.shape))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            lambda: PerSample(INPUTS[:2]),
            r"`x_baseline` \(=PerSample\(2 values\)\) must hold one value for each of the 3 inputs",
        ),
        (lambda: PerSample([]), r"`values` \(length 0\) must hold one value"),
        (lambda: PerSample(3.0), r"`values` \(float\) must be a list of N values"),
        (lambda: PerSample([0.0, 1.0, np.zeros(4)]), r"`x_baseline.values\[2\]` "),
        (lambda: PerSample([0.0, 1.0, ["min", "max"]]), r"must hold the same number of baselines for each input"),
    ],
)
def test_errors_of_baselines_for_each_sample(values, message):
    with pytest.raises(InputError, match=message):
        IntegratedGradients(linear(WEIGHTS), 1).GetMasks(INPUTS, x_baseline=values())
