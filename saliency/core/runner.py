"""From N inputs of a user to N masks on the host, batch by batch."""

import math
from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.batching import BatchPlan
from saliency.core.display.provenance import Provenance
from saliency.core.errors import GradientError, InputError, ZeroGradientWarning
from saliency.core.gradient_modifiers import Modifier
from saliency.core.model_inputs import ModelInputs
from saliency.core.result import MaskArray
from saliency.core.score import Score
from saliency.core.shape_hints import add_shape_hints
from saliency.core.target_description import describe_targets
from saliency.core.types import Array
from saliency.core.validation import whole_number
from saliency.core.warnings import warn


def compute_masks(
    compute: Callable[[Score, Array], Array],
    adapter: GradientAdapter,
    inputs: ModelInputs,
    plan: BatchPlan,
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
        plan: how many samples are evaluated at a time.
        logits, modifier: see ``SaliencyMask``.
        method: what computes them, in words.
        empty: what it means if one is zero everywhere.

    Returns:
        (N, *mask), with the details of each.

    Raises:
        GradientError: if a score or a mask is not finite.
        ForwardError: if a forward pass fails; the message ends with what may be wrong with the input's shape.
    """
    masks, details, observed, targets, start = [], [], [], [], 0
    with add_shape_hints(adapter), closing(plan.progress), adapter.run_context():
        while start < len(inputs.ys):
            stop, per_input = inputs.batch(start, plan.size)
            request, x = inputs.to_device(adapter, slice(start, stop), per_input, logits)
            score = Score(adapter, request, stop - start, plan, per_input, modifier, x)
            masks.append(adapter.numpy(compute(score, x)))
            observed.append(_observed_scores(adapter, plan))
            details.append({name: _to_host(adapter, value) for name, value in score.details.items()})
            targets += describe_targets(request.target, inputs.ys[start:stop])
            start = stop
    found = {name: np.concatenate([part[name] for part in details]) for name in details[0]}
    about = Provenance(method, targets, inputs.host_copies(adapter, type(x)), adapter.channel_axis)
    return MaskArray.of(_check_masks(np.concatenate(masks), np.concatenate(observed), empty), found, about)


def apply_method(masks: Callable[[Score, Array], Array], score: Score, x: Array) -> Array:
    """Compute n masks (n, *mask) of inputs (n, *input); ``Smoothing.masks`` stands beside it."""
    with score.plan.progress.track_masks(score.n):
        return masks(score, x)


def checked_batch_size(batch_size: Any) -> int | None:
    """Return the user's batch size; None for ``"auto"``.

    Raises:
        InputError: if it is neither this nor a whole number above 0.
    """
    if isinstance(batch_size, str) and batch_size == "auto":
        return None
    if isinstance(batch_size, str) or batch_size is None:
        raise InputError(f'`batch_size` (={batch_size!r}) must be "auto" or a whole number, 1 or more')
    return whole_number("batch_size", batch_size, least=1)


def default_batch_size(x_value: Any, adapter: GradientAdapter) -> int:
    """Return the batch size that suits an input: measured to be about the fastest for pictures, on a CPU's caches."""
    try:
        numbers = int(math.prod(np.shape(x_value)))
    except (ValueError, TypeError):  # a ragged list, which the adapter will refuse by name
        numbers = 1
    return min(32, math.isqrt(adapter.batch_memory // max(1, numbers))) or 1


def _to_host(adapter: GradientAdapter, value: Any) -> npt.NDArray[Any]:
    return value if isinstance(value, np.ndarray) else adapter.numpy(value)


def _observed_scores(adapter: GradientAdapter, plan: BatchPlan) -> npt.NDArray[Any]:
    """Return all scores that were observed, at once: looking at those of each pass would stop a device each time."""
    observed, plan.observed_scores = plan.observed_scores, []
    return adapter.numpy(adapter.xp.concatenate(observed) if len(observed) > 1 else observed[0]) if observed else np.zeros(0)


def _check_masks(masks: npt.NDArray[Any], scores: npt.NDArray[Any], meaning: str) -> npt.NDArray[Any]:
    """Return the masks, if they and the scores that were observed are finite; warn of those that are zero everywhere."""
    flat, strange = masks.reshape(len(masks), -1), scores[~np.isfinite(scores)]
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
