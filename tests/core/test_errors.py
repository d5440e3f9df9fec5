"""Errors and warnings of masks."""

import numpy as np
import pytest

import saliency
from saliency import Difference, Vanilla
from tests.reference import JacobianAdapter, linear

RNG = np.random.default_rng(0)
W = RNG.normal(size=(4, 3, 5, 6))
X = RNG.normal(size=(7, 3, 5, 6))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Vanilla(linear(W), 0, batch_size=0), r"`batch_size` \(=0\) must be"),
        (lambda: Vanilla(linear(W), 4).GetMask(X[0]), r"class or channel 4 .* has 4 \(0 to 3\)"),
        (lambda: Vanilla(linear(W), -1).GetMask(X[0]), r"class or channel -1 "),
        (lambda: Vanilla(linear(W), 1.5).GetMask(X[0]), r"`y` \(=1.5\) must be an int"),
        (lambda: Vanilla(linear(W), True).GetMask(X[0]), r"`y` \(=True\) must be"),
        (lambda: Vanilla(linear(W), []).GetMask(X[0]), r"`y` \(=\[\]\) must be"),
        (lambda: Vanilla(linear(W), (1, 2)).GetMask(X[0]), r"`y` \(=\(1, 2\)\) must be"),
        (lambda: Vanilla(linear(W), 0).GetMasks(X, y=[1, 2]), r"`y` \(2 targets\) .* 7 inputs"),
        (lambda: Vanilla(linear(W), 0).GetMasks([]), r"`x_values` \(length 0\)"),
        (lambda: Vanilla(linear(W), 0).GetMasks(3), r"`x_values` \(int, shape \(\)\) must be an array \(N, \*input\)"),
        (lambda: Vanilla(linear(W), 0).GetMasks({"a": X[0]}), r"holds inputs by name, but JacobianAdapter explains one"),
        (lambda: Vanilla(linear(W), 0).GetMasks({1, 2}), r"`x_values` \(set, shape \(\)\) must be an array"),
        (lambda: Vanilla(linear(W), 0).GetMask(X[0], y=3), r"`y` is not an option of Vanilla"),
        (lambda: Vanilla(linear(W), 0).GetSmoothedMask(X[0], y=3), r"`y` is not an option of Vanilla"),
        (lambda: Vanilla(linear(W), 0).GetMask(X[0], feed_dict=3), r"`feed_dict` \(int\) must be a mapping"),
        (
            lambda: Vanilla(linear(W), 0).GetSmoothedMask(np.zeros((0, 3))),
            r"`x_value` \(shape \(0, 3\)\) must hold at least one number",
        ),
        (lambda: Vanilla(linear(W), 0, batch_size=True), r"`batch_size` \(=True\)"),
        (lambda: Vanilla(linear(W), 0, logits="False"), r"`logits` \(='False'\) must be True or False"),
        (lambda: Vanilla(linear(W), 0).GetMask(X[0], progress="no"), r"`progress` \(='no'\) must be True or False"),
        (lambda: Vanilla(linear(W), [(1, 2)]).GetMask(X[0]), r"`y` \(=\[\(1, 2\)\]\) must be"),
        (
            lambda: Vanilla(linear(W), np.array([1, 2])).GetMask(X[0]),
            r"`y` \(a ndarray of 2 numbers\).*pass a list for the sum",
        ),
        (lambda: Vanilla(linear(W), [0, 0, 1]).GetMask(X[0]), r"one-hot or multi-hot vector; pass .* such as \[2\]"),
        (
            lambda: Vanilla(linear(W), range(1, 3)).GetMasks(X[:2]),
            r"`y` \(=range\(1, 3\)\) of the mask.*GetMasks\(x_values, y=",
        ),
        (lambda: Vanilla(linear(W), "3").GetMask(X[0]), r"`y` \(='3'\) must be.*pass the int 3"),
        (lambda: Vanilla(linear(W), "cat").GetMask(X[0]), r"`y` \(='cat'\) must be.*For a class, pass its number"),
        (lambda: Vanilla(linear(W), 2.0).GetMask(X[0]), r"`y` \(=2.0\) must be.*pass the int 2"),
        (lambda: Vanilla(linear(W), Difference(1, ("a", 2))).GetMask(X[0]), r"several layers; both must be in the same"),
        (lambda: Vanilla(linear(W[:1]), 1).GetMask(X[0]), r"class or channel 1 .* has 1 .*pass y=0, and for label 0"),
        (lambda: Vanilla(linear(W), 0).GetMasks([X[0], X[0, :, 1:]]), r"`x_values\[1\]` \(shape \(3, 4, 6\)\)"),
        (lambda: Vanilla(linear(W), 0).GetMasks(X, feed_dict={"a": [1, 2]}), r"`feed_dict\['a'\]` \(length 2\)"),
        (lambda: Vanilla(linear(W), 0).GetMask(np.where(W[0] > 2, np.nan, 1)), r"`x_value` holds \d+ of 90 values .* NaN"),
        (lambda: Vanilla(linear(W), 0).GetMask("cat.jpg"), r"`x_value` \(str of <U7\) must be an array of real numbers"),
        (lambda: Vanilla(linear(W), 0).GetMask([[1, 2], [3]]), r"`x_value` \(list\) must be an array of numbers"),
        (lambda: Vanilla(linear(W), 0).GetMasks([[[1, 2], [3]]]), r"`x_value` \(list\) must be an array of numbers"),
        (lambda: Vanilla(linear(W), 0).GetSmoothedMask(X[0], stdev_spread=-0.1), r"`stdev_spread` \(=-0.1\) must be"),
        (lambda: Vanilla(linear(W), 0).GetSmoothedMask(X[0], stdev_spread=float("nan")), r"`stdev_spread` \(=nan\)"),
        (lambda: Vanilla(linear(W), 0).GetSmoothedMask(X[0], nsamples=0), r"`nsamples` \(=0\) must be"),
        (lambda: Vanilla(linear(W), 0).GetSmoothedMask(X[0], nsamples=2.5), r"`nsamples` \(=2.5\) must be"),
        (lambda: Vanilla(linear(W), 0).GetSmoothedMask(X[0], seed=-1), r"`seed` \(=-1\) must be"),
        (lambda: saliency.wrap(3), r"`model` \(builtins.int\) must be a Torch module"),
        (lambda: saliency.wrap(linear(W), relu_nodes=[]), r"options \(relu_nodes\) must be given when the adapter is created"),
    ],
)
def test_errors_state_name_value_and_rule(call, message):
    with pytest.raises((saliency.InputError, saliency.TargetError), match=message):
        call()


def test_a_gradient_that_is_not_finite_raises_and_names_the_input():
    weights = W.copy()
    weights[1, 0, 0, 0] = np.inf
    with pytest.raises(saliency.GradientError, match=r"input \[2\] holds NaN or infinite"):
        Vanilla(linear(weights)).GetMasks(X[:4], y=[0, 2, 1, 3])


def test_a_gradient_that_is_zero_everywhere_warns():
    with pytest.warns(saliency.ZeroGradientWarning, match=r"input \[1\] is zero everywhere"):
        masks = Vanilla(linear(W * [[[[0]]], [[[1]]], [[[1]]], [[[1]]]])).GetMasks(X[:2], y=[1, 0])
    assert not masks[1].any()


def test_an_output_that_is_not_finite_has_no_top_class():
    with pytest.raises(saliency.ModelError, match="no top class"):
        Vanilla(JacobianAdapter(lambda x: np.full((len(x), 2), np.nan), None)).GetMask(X[0])
