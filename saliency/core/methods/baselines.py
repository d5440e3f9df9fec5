"""Baselines: uninformative inputs, as a user's number, array, or a name such as ``"blur"``."""

from typing import Any

import numpy as np

from saliency.core.channel_axis import input_axes
from saliency.core.errors import InputError
from saliency.core.numerics.resampling import gaussian_blur
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import shown

BLUR_FRACTION = 1 / 12
"""Standard deviation of ``"blur"`` as a fraction of the length of each spatial axis: 19 positions of 224."""

COMPUTED_BASELINES = ("blur", "mean", "min", "max")


def make_baseline(baseline: Any, score: Score, x: Array, name: str = "x_baseline") -> Array:
    """Return one baseline for each of N inputs.

    Args:
        baseline: None (zeros), a number, or an array that broadcasts to the input's shape; or one that is computed from each
            input: ``"blur"``, ``"mean"`` (of each channel), ``"min"`` or ``"max"`` (of all its numbers).
        score: the score of the inputs.
        x: (N, *input).
        name: the name of the option in an error.

    Returns:
        (N, *input).

    Raises:
        InputError: if it is none of these.
    """
    adapter, xp = score.adapter, score.adapter.xp
    if isinstance(baseline, str):
        return _computed_baseline(baseline, score, x, name)
    values = adapter.asarray(0.0 if baseline is None else baseline, name)
    shape = tuple(x.shape[1:])
    if len(values.shape) > len(shape) or any(a not in (1, b) for a, b in zip(values.shape[::-1], shape[::-1], strict=False)):
        raise InputError(f"`{name}` (shape {tuple(values.shape)}) must have the input's shape {shape}, or broadcast to it")
    return values * xp.ones_like(x)


def make_baselines(baselines: Any, score: Score, x: Array) -> list[Array]:
    """Return one or more baselines (N, *input) from one, a list or tuple of them, or an array (baselines, *input)."""
    if hasattr(baselines, "ndim") and not hasattr(baselines, "dtype"):  # a DataFrame, whose iterator yields column names
        baselines = np.asarray(baselines)
    if not _holds_several(baselines, len(x.shape)):
        return [make_baseline(baselines, score, x)]
    if len(baselines) == 0:
        raise InputError("`x_baseline` (length 0) must hold at least one baseline")
    return [make_baseline(one, score, x, f"x_baseline[{i}]") for i, one in enumerate(baselines)]


def _holds_several(baselines: Any, ndim: int) -> bool:
    if not isinstance(baselines, list | tuple):
        return getattr(baselines, "ndim", 0) == ndim
    if any(one is None or isinstance(one, str) or hasattr(one, "getbands") for one in baselines):  # getbands: a PIL image
        return True
    try:
        return np.ndim(baselines) != ndim - 1  # nested lists in the input's shape are one baseline
    except (TypeError, ValueError, RuntimeError):  # arrays of different shapes, or on a device
        return True


def _computed_baseline(kind: str, score: Score, x: Array, name: str) -> Array:
    xp, axes = score.adapter.xp, tuple(range(1, len(x.shape)))
    space = input_axes(score.adapter, x) if kind in ("blur", "mean") else ()
    if kind == "blur":
        for axis in space:
            x = gaussian_blur(score.adapter, x, axis, BLUR_FRACTION * int(x.shape[axis]))
        return x
    computed = {
        "mean": lambda: xp.mean(x, axis=space, keepdims=True),
        "min": lambda: -xp.amax(-x, axis=axes, keepdims=True),
        "max": lambda: xp.amax(x, axis=axes, keepdims=True),
    }
    if kind not in computed:
        raise InputError(f"`{name}` (={shown(kind)}) must be a number, an array, or one of {', '.join(COMPUTED_BASELINES)}")
    return computed[kind]() * xp.ones_like(x)
