"""Compare the results of an input in a batch with those of the same input beside a companion."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.types import Array
from saliency.core.validation import has_batch_axis

Evaluation: TypeAlias = Callable[[Array, Request], tuple[Array, ...]]
"""Evaluates inputs (n, *input): scores (n * T, ...) first, and possibly gradients (n * T, *input) last."""

COMPANION_RANGE = 100.0
"""Range of the companion, in units of the range of the input that it is evaluated with.

Whatever samples share (a minimum, a scale of integers, a mean, attention) then differs by far more than rounding.
"""

SCORE_TOLERANCE = 1e-3
"""Largest change of a score, as a fraction of the score. A companion of the input's own range has a smaller influence."""

ROUNDING_FACTOR = 32
"""Multiple of the model's rounding error that a score may change by, if this is more than ``SCORE_TOLERANCE``.

A batch of another size may be computed by another algorithm. In single precision, scores then differ by 1e-6 to 1e-4, with
TF32 by 1e-3, and in bfloat16 by 1e-2.
"""

GRADIENT_FACTOR = 30
"""The same for the gradient, as a multiple of the score's tolerance: a ReLU whose input is near zero may switch."""


def samples_interact(
    call: Evaluation, adapter: GradientAdapter, x: Array, request: Request, results: tuple[Array, ...]
) -> bool:
    """Return whether the last input's score or gradient differs beside another companion: one pass of two inputs.

    Args:
        call: evaluates inputs for a request.
        adapter: the model's adapter.
        x: (n, *input), at least two.
        request: the request for these inputs.
        results: what ``call`` returned for them.
    """
    rows = int(x.shape[0])  # other than in the pass below: a score may depend on the number of inputs, too
    one, times = x[rows - 1 :], results[0].shape[0] // rows
    spread, mirrored = input_spread(adapter.xp, one)
    companions = (one + COMPANION_RANGE * spread, mirrored) if rows > 2 else (None,)  # three may not fit
    for companion in companions:
        inputs = one if companion is None else adapter.xp.concatenate([one, companion])
        try:
            with np.errstate(all="ignore"):
                probe = call(inputs, _repeat_last(adapter, request, rows, times, int(inputs.shape[0])))
        except Exception:  # noqa: S112 - a model may refuse the companion, or this number of inputs
            continue
        if not _differ(adapter, results, probe, spread, times, rows):
            return False
        if request.target.function is None or not _outputs_repeat(adapter, one, request, rows):
            return True
        return _interact_in_place(call, adapter, x, request, results)
    return False


def _outputs_repeat(adapter: GradientAdapter, one: Array, request: Request, rows: int) -> bool:
    """Return whether the model's outputs for copies of one input are those of the input alone, wherever it is in the batch."""
    batch, alone = (
        adapter.outputs(adapter.xp.concatenate([one] * n), _repeat_last(adapter, request, rows, 1, n)) for n in (rows, 1)
    )
    if not all(len(getattr(array, "shape", ())) and array.shape[0] == n for array, n in ((batch, rows), (alone, 1))):
        return True  # not one array, such as a mapping: its rows are not compared
    batch, alone = (np.asarray(adapter.numpy(array), float) for array in (batch, alone))
    return bool((np.abs(batch - alone) <= SCORE_TOLERANCE * np.abs(alone).max()).all())


def _interact_in_place(
    call: Evaluation, adapter: GradientAdapter, x: Array, request: Request, results: tuple[Array, ...]
) -> bool:
    """Do the same for a target that is a function, which may read another number at each place in the batch.

    The last input keeps its place, in a pass of as many inputs, and all others are replaced by companions.
    """
    rows = int(x.shape[0])
    one = x[rows - 1 :]
    spread, _ = input_spread(adapter.xp, one)
    inputs = adapter.xp.concatenate([*[one + COMPANION_RANGE * spread] * (rows - 1), one])
    try:
        with np.errstate(all="ignore"):
            probe = call(inputs, request)
    except Exception:  # a model may refuse the companion
        return False
    last_first = tuple(adapter.xp.concatenate([array[rows - 1 :], array[: rows - 1]]) for array in probe)
    return _differ(adapter, results, last_first, spread, 1, rows)


def input_spread(xp: Any, one: Array) -> tuple[Array, Array]:
    """Return an input (1, *input) minus a value in its range, or ones for a constant; and its reflection within its range."""
    axes = tuple(range(1, len(one.shape)))
    low, high = -xp.amax(-one, axis=axes, keepdims=True), xp.amax(one, axis=axes, keepdims=True)
    centered = one - (low + 0.37 * (high - low))  # not the middle of the range, which may be the mean
    return xp.where(high > low, centered, xp.ones_like(one)), low + high - one


def _repeat_last(adapter: GradientAdapter, request: Request, rows: int, times: int, copies: int) -> Request:
    """Return the request for copies of the last of ``rows`` inputs, which has ``times`` targets."""

    def repeat(value: Any) -> Any:
        return adapter.xp.concatenate([value[rows - 1 : rows]] * copies) if has_batch_axis(value) else value

    feed = {name: repeat(value) for name, value in request.feed.items()}
    target = request.target.take(slice((rows - 1) * times, rows * times)).repeat(copies)
    baseline, values = repeat(request.baseline), repeat(request.at_values)
    return replace(request, target=target, feed=feed, baseline=baseline, at_values=values)


def _differ(
    adapter: GradientAdapter, results: tuple[Array, ...], probe: tuple[Array, ...], spread: Array, times: int, rows: int
) -> bool:
    """Return whether the results of the last input differ from those of the probe's first input, with one transfer."""
    xp, last = adapter.xp, slice((rows - 1) * times, rows * times)
    numbers = [xp.reshape(scores, (scores.shape[0], -1)) for scores in (results[0], probe[0])]
    compares_gradients = len(results) > 1 and probe[0].shape[0] > times and tuple(results[-1].shape[1:]) == spread.shape[1:]
    gradients = results[-1][last], results[-1][last] - probe[-1][:times]
    if compares_gradients:  # in units of the score: the change of the score that the gradients predict for the spread
        for gradient in gradients:
            products = xp.reshape(gradient * spread, (times, -1))
            effect = xp.sum(xp.clip(products, 0.0, None) + xp.clip(-products, 0.0, None), axis=1)
            numbers.append(effect[:, None] * xp.ones_like(numbers[0][:1]))
    host = adapter.numpy(xp.concatenate(numbers)).astype(float)
    scores, probe_scores, effects = np.split(host, [rows * times, rows * times + probe[0].shape[0]])
    if not np.isfinite(scores[last]).all():
        return False  # the run reports it
    score_size = np.abs(scores[np.isfinite(scores).all(axis=1)]).max()
    if len(probe_scores) > times:  # the companion's scores
        growth = np.abs(probe_scores[times:] - scores[last]) / COMPANION_RANGE
        score_size = max(score_size, np.max(growth[np.isfinite(growth)], initial=0.0))
    tolerance = max(SCORE_TOLERANCE, ROUNDING_FACTOR * adapter.rounding_error)
    if not (np.abs(scores[last] - probe_scores[:times]) <= tolerance * score_size).all():  # also if the probe is NaN
        return True
    if not compares_gradients:
        return False
    effect, change = effects[:times], effects[times:]
    return bool((change > GRADIENT_FACTOR * tolerance * np.maximum(effect, score_size)).any())
