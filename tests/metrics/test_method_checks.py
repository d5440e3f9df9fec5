"""Metrics of a method: changed inputs, random weights and other classes, on Torch and Keras models and functions."""

import numpy as np
import pytest

import saliency
from saliency import InputError, ModelError, TargetError
from saliency.metrics import max_sensitivity, random_logit, randomization, stability

X = np.random.default_rng(0).normal(size=(2, 3, 12, 12)).astype(np.float32)


def torch_mask(method="InputXGradient", **options):
    torch = pytest.importorskip("torch")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 3), torch.nn.ReLU(), torch.nn.Flatten()]
        model = torch.nn.Sequential(*layers, torch.nn.Linear(256, 5)).eval()
    return getattr(saliency, method)(model, **options)


def keras_mask():
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(5)]
    return saliency.InputXGradient(keras.Sequential([keras.Input((12, 12, 3)), *layers]))


@pytest.mark.parametrize(("make", "layers"), [(torch_mask, 3), (keras_mask, 2)])
@pytest.mark.parametrize("order", ["cascading", "independent"])
def test_maps_of_random_weights_differ_and_the_model_is_unchanged(make, layers, order):
    mask = make()
    x = X if make is torch_mask else X.transpose(0, 2, 3, 1)
    before = {name: np.array(values) for name, values in mask.adapter.named_weights()}
    found = randomization(mask, x, 1, order=order)
    assert found.curve.y.shape == (2, layers) and not found.higher_is_better
    assert (np.abs(found.curve.y) < 0.9).all()
    assert randomization(mask, x, 1, order=order).value.tolist() == found.value.tolist()
    for name, values in mask.adapter.named_weights():
        np.testing.assert_array_equal(values, before[name])


def test_orders_agree_on_the_first_layer_only():
    mask = torch_mask()
    cascading, independent = (randomization(mask, X, 1, order=order).curve.y for order in ("cascading", "independent"))
    np.testing.assert_array_equal(cascading[:, 0], independent[:, 0])
    assert not np.allclose(cascading[:, 1], independent[:, 1])


def test_a_map_that_ignores_the_weights_fails_the_check():
    class Picture(saliency.SaliencyMask):
        def masks(self, score, x):
            return x * 1

    mask = Picture(torch_mask().adapter)
    np.testing.assert_allclose(randomization(mask, X, 1, nsamples=2).value, 1)
    np.testing.assert_allclose(random_logit(mask, X).value, 1)
    np.testing.assert_allclose(max_sensitivity(mask, X, 1).mean, 0.02 / 3**0.5, rtol=0.1)  # uniform noise beside numbers of 1
    np.testing.assert_allclose(stability(mask, X, 1).value, 1, rtol=1e-5)


def test_smooth_randomization_averages_noisy_maps():
    found = randomization(torch_mask(), X, 1, nsamples=2)
    assert found.value.tolist() != randomization(torch_mask(), X, 1).value.tolist()


def test_the_gradient_of_a_linear_model_is_stable():
    weights = np.random.default_rng(1).normal(size=(48, 2)).astype(np.float32)
    linear = saliency.wrap(
        lambda x: x.reshape(len(x), -1) @ weights, channel_axis=0, vjp=lambda x, g: (g @ weights.T).reshape(x.shape)
    )
    x = X[:, :, :4, :4]
    np.testing.assert_allclose(max_sensitivity(saliency.Vanilla(linear), x, 1).value, 0, atol=1e-6)
    lipschitz = stability(saliency.InputXGradient(linear), x, 1, nsamples=3).value
    assert (lipschitz <= np.abs(weights[:, 1]).max()).all() and (lipschitz >= np.abs(weights[:, 1]).min()).all()
    with pytest.raises(ModelError, match="no weights that can be read"):
        randomization(saliency.Vanilla(linear), x, 1)


def test_another_class_has_another_map():
    found = random_logit(torch_mask(), X, [1, 2])
    assert (found.value < 0.95).all() and (found.details["class"] != [1, 2]).all()
    with pytest.raises(TargetError, match="must be a class"):
        random_logit(torch_mask(), X, [lambda out: out[:, 0]] * 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: randomization(torch_mask(), X, 1, order="up"), "`order`"),
        (lambda: randomization(torch_mask(), X, 1, measure="l2"), "`measure`"),
        (lambda: randomization(torch_mask(), X, [1, 2, 3]), r"`y` \(3 targets\)"),
        (lambda: stability("Vanilla", X), "`mask`"),
        (lambda: max_sensitivity(torch_mask(), X, radius=0), "`radius`"),
    ],
)
def test_errors(call, message):
    with pytest.raises(InputError, match=message):
        call()
