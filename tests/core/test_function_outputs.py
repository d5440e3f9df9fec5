"""The outputs and the failures of a function that is used as a model."""

import functools

import numpy as np
import pytest

import saliency
from saliency import RISE, Occlusion
from tests.core.function_models import X, net, returning


@pytest.mark.parametrize(
    "make",
    [
        lambda scores: scores.tolist(),
        lambda scores: tuple(map(tuple, scores.tolist())),
        lambda scores: list(scores),
        lambda scores: np.round(scores * 1e6).astype(int),
        lambda scores: scores.astype(np.float32),
        lambda scores: np.stack([scores - 1, scores + 1], axis=-1)[:, :, None],  # a channel by its mean over space
        lambda scores: __import__("pandas").DataFrame(scores, columns=list("abcd")),
    ],
)
def test_outputs_of_any_form(make):
    mask = Occlusion(returning(make), 2).GetMask(X[0], size=3)
    expected = Occlusion(net, 2).GetMask(X[0], size=3)
    np.testing.assert_allclose(mask / np.abs(mask).max(), expected / np.abs(expected).max(), atol=1e-4)


def test_one_number_a_sample_is_class_0():
    mask = Occlusion(returning(lambda scores: scores[:, 3]), 0).GetMask(X[0], size=3)
    np.testing.assert_array_equal(mask, Occlusion(net, 3).GetMask(X[0], size=3))


@pytest.mark.parametrize(
    ("make", "read"),
    [
        (lambda scores: {"scores": scores, "other": None}, lambda outputs: outputs["scores"][:, 2]),
        (lambda scores: [scores, scores[:, :1]], lambda outputs: outputs[0][:, 2]),  # as an ONNX session returns them
        (lambda scores: (scores,), lambda outputs: outputs[0][:, 2:3]),
    ],
)
def test_several_outputs_are_read_by_a_class_or_a_callable(make, read):
    expected = Occlusion(net, 2).GetMask(X[0], size=3)
    for y in (read, 2):
        np.testing.assert_array_equal(Occlusion(returning(make), y).GetMask(X[0], size=3), expected)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (returning(lambda scores: None), saliency.ModelError, "the function returned a NoneType; explaining a class needs one array"),
        (returning(lambda scores: scores * 1j), saliency.ModelError, "the function returned an array of complex128"),
        (returning(lambda scores: ["cat"] * len(scores)), saliency.ModelError, "the function returned an array of <U3"),
        (returning(lambda scores: 3.0), saliency.ModelError, r"the model's output has the shape \(\) for \d+ input"),
        (returning(lambda scores: [[1, 2], [3]]), saliency.InputError, "the function failed .*ValueError"),
        (returning(lambda scores: scores * np.nan), saliency.ModelError, "NaN or infinite"),
        (returning(lambda scores: scores + np.inf), saliency.ModelError, "NaN or infinite"),
        (lambda x: 1 / 0, saliency.InputError, r"failed for `x_value`, float32 of shape \(2, 5, 6\), \d+ at a time: ZeroDivisionError"),
        (lambda x, y: x, saliency.InputError, r"TypeError: .*missing 1 required positional argument: 'y'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", [functools.partial(Occlusion, size=3), functools.partial(RISE, nmasks=40)])
@pytest.mark.parametrize("y", [None, 1])
def test_failures_of_a_function_raise(function, error, message, method, y):
    with pytest.raises(error, match=message):
        method(function, y).GetMask(X[0])


@pytest.mark.parametrize("function", [returning(lambda scores: scores[:1]), lambda x: net(x) if len(x) == 1 else 1 / 0])
@pytest.mark.parametrize("method", [functools.partial(Occlusion, size=3), functools.partial(RISE, nmasks=40, seed=0)])
def test_a_function_of_one_input_is_evaluated_one_at_a_time(function, method):
    one_only = lambda x: function(x)  # noqa: E731 - a new function, about which nothing is known
    with pytest.warns(saliency.BatchWarning, match=r"but not for one: .* one at a time from now on, as with batch_size=1"):
        mask = method(one_only, 1).GetMask(X[0])
    np.testing.assert_array_equal(mask, method(net, 1, batch_size=1).GetMask(X[0]))
    method(one_only, 1).GetMask(X[0])  # without another warning


def test_another_class_may_be_infinite():
    mask = Occlusion(returning(lambda scores: np.where(np.arange(4) == 3, -np.inf, scores)), 2).GetMask(X[0], size=3)
    np.testing.assert_array_equal(mask, Occlusion(net, 2).GetMask(X[0], size=3))


def test_batches_that_do_not_fit_are_halved():
    sizes = []

    def small(x):
        if len(x) > 3:
            raise MemoryError
        sizes.append(len(x))
        return net(x)

    mask = Occlusion(small, 2, batch_size=12).GetMask(X[0], size=3)
    np.testing.assert_allclose(mask, Occlusion(net, 2).GetMask(X[0], size=3), rtol=1e-5, atol=1e-6)
    assert sum(sizes) == 3 * 4 + 1 + 2 and max(sizes) == 3  # 2: the check that samples are independent

    def none(x):
        raise MemoryError("no room")

    with pytest.raises(saliency.MemoryShortage, match=r"`x_value`, float32 of shape \(2, 5, 6\), 1 at a time: out of memory"):
        Occlusion(none, 2).GetMask(X[0], size=3)


def test_a_keyboard_interrupt_is_not_caught():
    def stop(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Occlusion(stop, 0).GetMask(X[0], size=3)
