"""Baselines: uninformative inputs, as a user's number, array, or a name such as ``"blur"``."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from saliency.core.channel_axis import input_axes
from saliency.core.errors import InputError
from saliency.core.joined_inputs import InputLayout
from saliency.core.masks_by_input import check_names
from saliency.core.numerics.resampling import gaussian_blur
from saliency.core.per_sample import PerSample
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import as_real, shown

BLUR_FRACTION = 1 / 12
"""Standard deviation of ``"blur"`` as a fraction of the length of each spatial axis: 19 positions of 224."""

COMPUTED_BASELINES = ("blur", "mean", "min", "max")


def make_baseline(baseline: Any, score: Score, x: Array, name: str = "x_baseline") -> Array:
    """Return one baseline for each of N inputs.

    Args:
        baseline: None (zeros), a number, or an array that broadcasts to the input's shape; or one that is computed from each
            input: ``"blur"``, ``"mean"`` (of each channel), ``"min"`` or ``"max"`` (of all its numbers). ``PerSample`` holds
            one for each input.
        score: the score of the inputs.
        x: (N, *input).
        name: the name of the option in an error.

    Returns:
        (N, *input).

    Raises:
        InputError: if it is none of these.
    """
    if isinstance(baseline, PerSample):
        return _per_sample(baseline, score, x, name)[0]
    adapter, xp = score.adapter, score.adapter.xp
    if isinstance(baseline, str):
        return _computed_baseline(baseline, score, x, name)
    values = adapter.asarray(0.0 if baseline is None else baseline, name)
    shape = tuple(x.shape[1:])
    if len(values.shape) > len(shape) or any(a not in (1, b) for a, b in zip(values.shape[::-1], shape[::-1], strict=False)):
        raise InputError(f"`{name}` (shape {tuple(values.shape)}) must have the input's shape {shape}, or broadcast to it")
    return values * xp.ones_like(x)


def make_baselines(baselines: Any, score: Score, x: Array, name: str = "x_baseline") -> list[Array]:
    """Return one or more baselines (N, *input).

    Args:
        baselines: one baseline, see ``make_baseline``, a list or tuple of them, or an array (baselines, *input). For several
            inputs that are explained jointly: one for all, or for each a baseline or several, by name or as a tuple in the
            model's order, or a list of these.
        score: the score of the inputs.
        x: (N, *input).
        name: the name of the option in an error.

    Raises:
        InputError: if it is none of these.
    """
    if score.adapter.joined is not None:
        return _joined_baselines(baselines, score, x, score.adapter.joined, name)
    if isinstance(baselines, PerSample):
        return _per_sample(baselines, score, x, name)
    if hasattr(baselines, "ndim") and not hasattr(baselines, "dtype"):  # a DataFrame, whose iterator yields column names
        baselines = np.asarray(baselines)
    if not _holds_several(baselines, len(x.shape)):
        return [make_baseline(baselines, score, x, name)]
    if len(baselines) == 0:
        raise InputError(f"`{name}` (length 0) must hold at least one baseline")
    return [make_baseline(one, score, x, f"{name}[{i}]") for i, one in enumerate(baselines)]


def _per_sample(baselines: PerSample, score: Score, x: Array, name: str) -> list[Array]:
    """Return the baselines of each sample, which has as many as any other."""
    rows = [
        make_baselines(baselines.values[sample], score, x[i : i + 1], f"{name}.values[{sample}]")
        for i, sample in enumerate(score.samples)
    ]
    counts = {len(row) for row in rows}
    if len(counts) > 1:
        raise InputError(f"`{name}` (={baselines!r}) must hold the same number of baselines for each input")
    return [score.adapter.xp.concatenate(of_each) for of_each in zip(*rows, strict=True)]


def _joined_baselines(baselines: Any, score: Score, x: Array, layout: InputLayout, name: str) -> list[Array]:
    """Return the baselines (N, D) of several inputs that are explained jointly."""
    if isinstance(baselines, list):
        if not baselines:
            raise InputError(f"`{name}` (length 0) must hold at least one baseline")
        several = [_joined_baselines(one, score, x, layout, f"{name}[{i}]") for i, one in enumerate(baselines)]
        return [one for each in several for one in each]
    adapter, xp = score.adapter, score.adapter.xp
    chosen, found = _by_input(baselines, layout, name), {}
    for input_name, part in layout.split(xp, x).items():
        own = replace(score, adapter=adapter.explaining(input_name))
        found[input_name] = make_baselines(chosen.get(input_name), own, part, f"{name}[{input_name!r}]")
    count = max(map(len, found.values()))
    if any(len(each) not in (1, count) for each in found.values()):
        numbers = ", ".join(f"{len(each)} for {input_name!r}" for input_name, each in found.items())
        raise InputError(f"`{name}` must hold one baseline, or the same number, for each input; it holds {numbers}")
    return [layout.join(xp, {key: each[i % len(each)] for key, each in found.items()}) for i in range(count)]


def _by_input(baselines: Any, layout: InputLayout, name: str) -> Mapping[str, Any]:
    """Return the baseline of each joined input by name; inputs without one get zeros."""
    if isinstance(baselines, Mapping):
        check_names(name, baselines, layout.names)
        return baselines
    if isinstance(baselines, tuple) and len(baselines) == len(layout.names):
        return layout.named(baselines)
    if baselines is None or isinstance(baselines, str) or as_real(baselines) is not None:
        return dict.fromkeys(layout.names, baselines)
    raise InputError(
        f"`{name}` ({type(baselines).__name__}) must be one number or name for all inputs, a mapping with the names "
        f"{', '.join(map(repr, layout.names))}, or a tuple of {len(layout.names)}"
    )


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
