"""The softmax probability of a class, and whether it is the top class, as scores."""

from dataclasses import replace
from math import e
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError, TargetError
from saliency.core.score import Score
from saliency.core.score_reading import with_channel_axis
from saliency.core.target import Target
from saliency.core.types import Array


def as_probability(score: Score, x: Array) -> Score:
    """Return the score of the softmax probabilities of the same classes.

    Args:
        score: the score of n inputs, each a class of the output.
        x: the inputs (n, *input).

    Raises:
        InputError: if the outputs are probabilities already.
        TargetError: if a target is not a class.
    """
    probability = _of_class(score, _SoftmaxProbability(), "`probability` (=True)")
    outputs = score.adapter.numpy(with_channel_axis(score.adapter.outputs(x, score.request), x.shape[0]))
    if (outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1, atol=1e-3):
        raise InputError("`probability` (=True): the model's outputs are probabilities already; pass probability=False")
    return probability


def as_accuracy(score: Score) -> Score:
    """Return the score that is 1 where the class of each input is the top class of the output, and else 0.

    Raises:
        TargetError: if a target is not a class.
    """
    return _of_class(score, _IsTopClass(), "the accuracy")


def _of_class(score: Score, function: Any, what: str) -> Score:
    """Return the score of a function of the output and of the class of each input."""
    target = score.request.target
    if target.function is not None or target.layer is not None or target.units.shape[1:] != (1, 1):
        raise TargetError(f"{what} needs one class of the model's output as the target `y` of each input")
    rows = target.units[:, 0].astype(float)
    return replace(score, request=replace(score.request, target=Target(function=function, rows=rows, logits=False)))


class _SoftmaxProbability:
    """The probability of one class of each row, from logits (N, classes)."""

    def __call__(self, outputs: Any, rows: npt.NDArray[np.float64], n: int, adapter: Any) -> Any:
        xp, logits = adapter.xp, with_channel_axis(outputs, n)
        powers = e ** (logits - xp.amax(logits, axis=1, keepdims=True))
        chosen = adapter.asarray(np.eye(int(logits.shape[1]))[rows[:, 0].astype(int)])
        return xp.sum(powers * chosen, axis=1) / xp.sum(powers, axis=1)


class _IsTopClass:
    """Whether one class of each row has the highest output, from outputs (N, classes)."""

    def __call__(self, outputs: Any, rows: npt.NDArray[np.float64], n: int, adapter: Any) -> Any:
        xp, values = adapter.xp, with_channel_axis(outputs, n)
        chosen = adapter.asarray(np.eye(int(values.shape[1]))[rows[:, 0].astype(int)])
        tops = xp.where(values < xp.amax(values, axis=1, keepdims=True), 0 * chosen, 1 + 0 * chosen)
        return xp.sum(tops * chosen, axis=1)
