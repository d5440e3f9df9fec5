"""Inputs that stand for nothing to see, as users spell them."""

from typing import Any

import numpy as np

from saliency.core.errors import InputError
from saliency.core.numerics.resampling import blurred, spatial_axes
from saliency.core.score import Score
from saliency.core.types import Array

BLUR = 1 / 12
"""Standard deviation of ``"blur"``, in lengths of each spatial axis: 19 positions of 224."""

NAMES = ("blur", "mean", "min", "max")


def baseline_of(spelling: Any, score: Score, x: Array, name: str = "x_baseline") -> Array:
    """Return one baseline for each of N inputs.

    Args:
        spelling: None (zero), a number, an array that broadcasts to the input's shape; or, made from the input, ``"blur"``,
            ``"mean"`` (of each channel), ``"min"`` or ``"max"`` (of all its numbers).
        score: of the inputs.
        x: (N, *input).
        name: what an error calls it.

    Returns:
        (N, *input).

    Raises:
        InputError: if it is none of these.
    """
    adapter, xp = score.adapter, score.adapter.xp
    if isinstance(spelling, str):
        return _made_from(spelling, score, x, name)
    given = adapter.asarray(0.0 if spelling is None else spelling, name)
    shape = tuple(x.shape[1:])
    if len(given.shape) > len(shape) or any(a not in (1, b) for a, b in zip(given.shape[::-1], shape[::-1], strict=False)):
        raise InputError(f"`{name}` (shape {tuple(given.shape)}) must have the input's shape {shape}, or broadcast to it")
    return given * xp.ones_like(x)


def baselines_of(spelling: Any, score: Score, x: Array) -> list[Array]:
    """Return one or more baselines (N, *input): a list or tuple of them, or an array (baselines, *input), holds several."""
    if hasattr(spelling, "ndim") and not hasattr(spelling, "dtype"):  # a table, whose entries would be its columns' names
        spelling = np.asarray(spelling)
    if not _several(spelling, len(x.shape)):
        return [baseline_of(spelling, score, x)]
    if len(spelling) == 0:
        raise InputError("`x_baseline` (length 0) must hold one baseline at least")
    return [baseline_of(one, score, x, f"x_baseline[{i}]") for i, one in enumerate(spelling)]


def _several(spelling: Any, ndim: int) -> bool:
    if not isinstance(spelling, list | tuple):
        return getattr(spelling, "ndim", 0) == ndim
    if any(one is None or isinstance(one, str) or hasattr(one, "getbands") for one in spelling):  # or a PIL image
        return True
    try:
        return np.ndim(spelling) != ndim - 1  # numbers in the input's shape, written as lists, are one
    except (TypeError, ValueError, RuntimeError):  # arrays of several shapes, or on a device
        return True


def _made_from(kind: str, score: Score, x: Array, name: str) -> Array:
    xp, axes = score.adapter.xp, tuple(range(1, len(x.shape)))
    space = spatial_axes(score.adapter.channel_axis, len(x.shape))
    if kind == "blur":
        for axis in space:
            x = blurred(score.adapter, x, axis, BLUR * int(x.shape[axis]))
        return x
    made = {
        "mean": lambda: xp.mean(x, axis=space, keepdims=True),
        "min": lambda: -xp.amax(-x, axis=axes, keepdims=True),
        "max": lambda: xp.amax(x, axis=axes, keepdims=True),
    }
    if kind not in made:
        raise InputError(f"`{name}` (={kind!r}) must be a number, an array, or one of {', '.join(NAMES)}")
    return made[kind]() * xp.ones_like(x)
