"""Samples that influence each other in a batch are noticed once, and evaluated one at a time from then on."""

import gc
import weakref

import numpy as np
import pytest

import saliency
from saliency.core import batch_independence
from tests.core.function_models import W, X, net

pytestmark = pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")  # of scores that are steps
OCCLUSION = {"size": 2, "stride": 2}


def stretched(x):
    """Scale by the extremes of the whole batch."""
    return net((x - x.min()) / (x.max() - x.min()))


def centered(x):
    return net(x - 0.5 * x.mean(axis=0))


def shares(x):
    """Divide by the number of inputs."""
    return net(x) / len(x)


def competing(x):
    """Normalize over the samples, in the place of over the classes."""
    e = np.exp(net(x))
    return e / (1 + e.sum(axis=0))


def previous(x):
    """A recurrence over the samples, as with a wrong `batch_first`."""
    return np.cumsum(net(x), axis=0)


def integers(x):
    """Dynamic quantization to 8 bits, with one scale for the whole batch."""
    scale = np.abs(x).max() / 127
    return net(np.round(x / scale) * scale)


def numbered(x):
    """A position encoding along the wrong axis."""
    return net(x) + np.arange(len(x))[:, None]


MIXING = [stretched, centered, shares, competing, previous, integers, numbered]


def new(function):
    """Return the function as another object, about which nothing is known."""
    return lambda x: function(x)


@pytest.mark.parametrize("function", MIXING)
@pytest.mark.parametrize(
    "run",
    [
        lambda model, **o: saliency.Occlusion(model, 1, **o).GetMask(X[0], **OCCLUSION),
        lambda model, **o: saliency.RISE(model, 1, **o).GetMask(X[0], nmasks=30, seed=0),
        lambda model, **o: saliency.Occlusion(model, **o).GetMasks(X, **OCCLUSION),
        lambda model, **o: saliency.Occlusion(model, lambda out: out[:, 2], **o).GetMask(X[0], **OCCLUSION),
    ],
    ids=["occlusion", "rise", "top classes", "callable"],
)
def test_the_numbers_are_those_of_one_at_a_time(function, run):
    model = new(function)
    with pytest.warns(
        saliency.BatchWarning, match=r"\(2, 5, 6\) changes with the other inputs .* as with batch_size=1"
    ) as caught:
        found = run(model)
    assert len(caught) == 1
    np.testing.assert_array_equal(found, run(new(function), batch_size=1))


def test_one_warning_for_a_model_and_a_shape():
    model = new(stretched)
    with pytest.warns(saliency.BatchWarning):
        saliency.Occlusion(model, 1).GetMask(X[0], **OCCLUSION)
    saliency.Occlusion(model, 2).GetMask(X[1], **OCCLUSION)  # a warning would be an error
    saliency.RISE(model, 1).GetMask(X[0], nmasks=20, seed=0)


def test_scores_of_zero_decide_nothing_about_later_targets():
    model = new(stretched)
    saliency.Occlusion(model, saliency.Difference(2, 2)).GetMask(X[0], **OCCLUSION)
    with pytest.warns(saliency.BatchWarning):
        found = saliency.Occlusion(model, 1).GetMask(X[0], **OCCLUSION)
    np.testing.assert_array_equal(found, saliency.Occlusion(new(stretched), 1, batch_size=1).GetMask(X[0], **OCCLUSION))


@pytest.mark.parametrize("n", [1, 2])
def test_scores_of_zero_decide_nothing_about_other_targets_of_a_batch(n):
    x, ys = X[[0, 1][:n] + [1] * (3 - n)], [1, 2][:n] + [saliency.Difference(2, 2)] * (3 - n)
    with pytest.warns(saliency.BatchWarning):
        found = saliency.Occlusion(new(stretched)).GetMasks(x, y=ys, **OCCLUSION)
    np.testing.assert_array_equal(found, saliency.Occlusion(new(stretched), batch_size=1).GetMasks(x, y=ys, **OCCLUSION))


def sizes_of(function):
    sizes = []

    def model(x):
        sizes.append(len(x))
        return function(x)

    return model, sizes


def test_the_check_is_one_pass_of_two_inputs_and_made_once():
    model, sizes = sizes_of(net)
    saliency.RISE(model, 1, batch_size=10).GetMask(X[0], nmasks=20, seed=0)
    assert sizes == [10, 2, 10]
    sizes.clear()
    saliency.RISE(model, 1, batch_size=10).GetMask(X[0], nmasks=20, seed=0)
    assert sizes == [10, 10]


def test_the_check_never_passes_more_inputs_than_the_batch_size():
    model, sizes = sizes_of(net)
    saliency.RISE(model, 1, batch_size=2).GetMask(X[0], nmasks=4, seed=0)
    assert sizes == [2, 1, 2]


def test_nothing_is_checked_for_one_input_in_a_pass():
    model, sizes = sizes_of(stretched)
    saliency.RISE(model, 1, batch_size=1).GetMask(X[0], nmasks=9, seed=0)
    assert sizes == [1] * 9


def test_a_finding_lives_as_long_as_the_function():
    class Model:
        def __call__(self, x):
            return net(x)

    model = Model()
    saliency.RISE(model, 1).GetMask(X[0], nmasks=5, seed=0)
    assert model in batch_independence._verdicts
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize(
    "change",
    [
        lambda y: y,
        lambda y: 1e-8 * y,
        lambda y: y.round(3),
        lambda y: 1 / (1 + np.exp(-50 * y)),
        lambda y: y.astype(np.float16),
        lambda y: 1e4 + y,
        lambda y: (y > 0) * 1.0,
    ],
    ids=["plain", "tiny", "rounded", "saturated", "half", "offset", "steps"],
)
def test_independent_samples_are_not_mistaken(seed, change):
    rng = np.random.default_rng(seed)
    weights, x = rng.normal(size=W.shape).astype(np.float32), rng.normal(size=X[0].shape)

    def model(x):
        with np.errstate(over="ignore"):
            return change(np.tanh(x.reshape(len(x), -1)) @ weights)

    saliency.RISE(model, 1).GetMask(x, nmasks=20, seed=seed)


def test_a_model_that_refuses_numbers_outside_the_range_of_its_inputs_keeps_its_batches():
    def model(x):
        if np.abs(x).max() > np.abs(X).max():
            raise ValueError("not an image")
        return net(x)

    saliency.RISE(model, 1).GetMask(X[0], nmasks=20, seed=0)
