"""From N inputs of a user to N masks on the host, batch by batch."""

import math
from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.batching import Pace
from saliency.core.display.provenance import About, words
from saliency.core.errors import GradientError, InputError, ZeroGradientWarning
from saliency.core.gradient_modifiers import Modifier
from saliency.core.model_inputs import Inputs
from saliency.core.result import MaskArray
from saliency.core.score import Score
from saliency.core.shape_hints import hints
from saliency.core.types import Array
from saliency.core.validation import whole
from saliency.core.warnings import warn


def in_batches(
    compute: Callable[[Score, Array], Array],
    adapter: GradientAdapter,
    inputs: Inputs,
    pace: Pace,
    logits: bool,
    modifier: Modifier | None,
    method: str,
    empty: str,
) -> MaskArray:
    """Compute N masks in batches.

    Args:
        compute: from the score of n samples, and their inputs, to n masks.
        adapter: of the model.
        inputs: the N inputs.
        pace: how many samples are evaluated at a time.
        logits, modifier: see ``SaliencyMask``.
        method: what computes them, in words.
        empty: what it means if one is zero everywhere.

    Returns:
        (N, *mask), with the details of each.

    Raises:
        GradientError: if a score or a mask is not finite.
        ForwardError: if a forward pass fails; the message ends with what may be wrong with the input's shape.
    """
    masks, details, heard, targets, start = [], [], [], [], 0
    with hints(adapter), closing(pace.progress), adapter.run():
        while start < len(inputs.ys):
            stop, per_input = inputs.batch(start, pace.size)
            target, feed, x = inputs.on_device(adapter, slice(start, stop), per_input, logits)
            score = Score(adapter, target, feed, stop - start, pace, per_input, modifier, x)
            masks.append(adapter.numpy(compute(score, x)))
            heard.append(_heard(adapter, pace))
            details.append({name: _host(adapter, value) for name, value in score.details.items()})
            targets += words(target, inputs.ys[start:stop])
            start = stop
    found = {name: np.concatenate([part[name] for part in details]) for name in details[0]}
    about = About(method, targets, inputs.on_host(adapter, type(x)), adapter.channel_axis)
    return MaskArray.of(_sound(np.concatenate(masks), np.concatenate(heard), empty), found, about)


def plain(masks: Callable[[Score, Array], Array], score: Score, x: Array) -> Array:
    """Compute n masks (n, *mask) of inputs (n, *input); ``Smoothing.masks`` stands beside it."""
    with score.pace.progress.masks(score.n):
        return masks(score, x)


def size_of(batch_size: Any) -> int | None:
    """Return the user's batch size; None for ``"auto"``.

    Raises:
        InputError: if it is neither this nor a whole number above 0.
    """
    if isinstance(batch_size, str) and batch_size == "auto":
        return None
    if isinstance(batch_size, str) or batch_size is None:
        raise InputError(f'`batch_size` (={batch_size!r}) must be "auto" or a whole number, 1 or more')
    return whole("batch_size", batch_size, least=1)


def usual_size(x_value: Any, adapter: GradientAdapter) -> int:
    """Return the batch size that suits an input: measured to be about the fastest for pictures, on a CPU's caches."""
    try:
        numbers = int(math.prod(np.shape(x_value)))
    except (ValueError, TypeError):  # a ragged list, which the adapter will refuse by name
        numbers = 1
    return min(32, math.isqrt(adapter.usual_sizes // max(1, numbers))) or 1


def _host(adapter: GradientAdapter, value: Any) -> npt.NDArray[Any]:
    return value if isinstance(value, np.ndarray) else adapter.numpy(value)


def _heard(adapter: GradientAdapter, pace: Pace) -> npt.NDArray[Any]:
    """Return all scores that were heard, at once: looking at those of each pass would stop a device each time."""
    heard, pace.heard = pace.heard, []
    return adapter.numpy(adapter.xp.concatenate(heard) if len(heard) > 1 else heard[0]) if heard else np.zeros(0)


def _sound(masks: npt.NDArray[Any], heard: npt.NDArray[Any], meaning: str) -> npt.NDArray[Any]:
    """Return the masks, if they and the scores that were heard are finite; warn of those that are zero everywhere."""
    flat, strange = masks.reshape(len(masks), -1), heard[~np.isfinite(heard)]
    broken = np.flatnonzero(~np.isfinite(flat).all(axis=1))
    told = [f"the score is {strange[0]}; it must be finite"] if strange.size else []
    if broken.size:
        told = [
            f"the mask of input {broken.tolist()} holds NaN or infinite values, as the model's output or gradient does",
            *told,
        ]
    if told:
        raise GradientError(": ".join(told))
    empty = np.flatnonzero(~flat.any(axis=1))
    if empty.size:
        warn(f"the mask of input {empty.tolist()} is zero everywhere: {meaning}", ZeroGradientWarning)
    return masks
