"""The softmax probability of a class as a score."""

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
    target = score.request.target
    if target.function is not None or target.layer is not None or target.units.shape[1:] != (1, 1):
        raise TargetError("`probability` (=True) needs one class of the model's output as the target `y` of each input")
    function = _SoftmaxProbability()
    probability = replace(score.request, target=Target(function=function, rows=target.units[:, 0].astype(float), logits=False))
    outputs = score.adapter.numpy(with_channel_axis(score.adapter.outputs(x, score.request), x.shape[0]))
    if (outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1, atol=1e-3):
        raise InputError("`probability` (=True): the model's outputs are probabilities already; pass probability=False")
    return replace(score, request=probability)


class _SoftmaxProbability:
    """The probability of one class of each row, from logits (N, classes)."""

    def __call__(self, outputs: Any, rows: npt.NDArray[np.float64], n: int, adapter: Any) -> Any:
        xp, logits = adapter.xp, with_channel_axis(outputs, n)
        powers = e ** (logits - xp.amax(logits, axis=1, keepdims=True))
        chosen = adapter.asarray(np.eye(int(logits.shape[1]))[rows[:, 0].astype(int)])
        return xp.sum(powers * chosen, axis=1) / xp.sum(powers, axis=1)
