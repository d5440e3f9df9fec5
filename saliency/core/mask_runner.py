"""Run a method over N inputs in batches, and check the masks."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.batched_run import run_in_batches
from saliency.core.batching import BatchPlan
from saliency.core.class_names import Names, describe_names, names_for
from saliency.core.detection_scores import BOX, LABEL, SCORE
from saliency.core.display.provenance import Provenance
from saliency.core.errors import GradientError, InputError, ZeroGradientWarning
from saliency.core.gradient_modifiers import Modifier
from saliency.core.model_inputs import ModelInputs
from saliency.core.numerics.ragged import concatenate_padded
from saliency.core.result import MaskArray
from saliency.core.score import Score
from saliency.core.target_description import describe_targets
from saliency.core.types import Array
from saliency.core.unprepared_input import warn_of_unprepared_input
from saliency.core.validation import check_equal_shapes, shown, whole_number
from saliency.core.warnings import warn


def compute_masks(
    compute: Callable[[Score, Array], Array],
    adapter: GradientAdapter,
    inputs: ModelInputs,
    plan: BatchPlan,
    logits: bool,
    modifier: Modifier | None,
    differentiates: bool,
    method: str,
    unit: str,
    empty: str,
) -> MaskArray:
    """Compute N masks in batches.

    Args:
        compute: returns n masks for the score of n samples and their inputs.
        adapter: the model's adapter.
        inputs: the N inputs with their targets.
        plan: the batch size, and the progress of the run.
        logits, modifier, differentiates: see ``SaliencyMask``.
        method, unit: the name of the method and the unit of its masks, for their description.
        empty: what a mask that is zero everywhere means, for the warning.

    Returns:
        (N, *mask), with the details of each mask.

    Raises:
        GradientError: if a score or a mask is not finite.
        ForwardError: if a forward pass fails; the message may end with a hint on the input's shape.
    """

    def compute_part(score: Score, x: Array) -> _Part:
        if score.samples[0] == 0:
            warn_of_unprepared_input(adapter, inputs.x_values[0], x, score.request)
        masks = adapter.numpy(compute(score, x))
        names = _record_choices(score, adapter, inputs.ys)
        details = {name: _to_host(adapter, value) for name, value in score.details.items()}
        ys = [inputs.ys[sample] for sample in score.samples]
        return _Part(
            masks, _observed_scores(adapter, plan), details, describe_targets(score.request.target, ys, names), type(x)
        )

    parts = run_in_batches(compute_part, adapter, inputs, plan, logits, differentiates, modifier)
    masks = [part.masks for part in parts]
    check_equal_shapes(masks)
    merged = _merge_details([part.details for part in parts], [len(one) for one in masks])
    targets = [target for part in parts for target in part.targets]
    about = Provenance(method, targets, inputs.host_copies(adapter, parts[0].device_array), adapter.channel_axis, unit=unit)
    observed = np.concatenate([part.observed for part in parts])
    return MaskArray.of(_check_masks(np.concatenate(masks), observed, empty), merged, about)


class _Part(NamedTuple):
    """The masks of a batch on the host, the scores of its passes, its details, and descriptions of its targets."""

    masks: npt.NDArray[Any]
    observed: npt.NDArray[Any]
    details: dict[str, npt.NDArray[Any]]
    targets: Sequence[str]
    device_array: type


def apply_method(masks: Callable[[Score, Array], Array], score: Score, x: Array) -> Array:
    """Compute n masks (n, *mask) of inputs (n, *input) without smoothing; the counterpart of ``Smoothing.masks``."""
    with score.plan.progress.track_masks(score.n):
        return masks(score, x)


def _record_choices(score: Score, adapter: GradientAdapter, ys: Sequence[Any]) -> Names:
    """Record what was chosen for the user: top classes, detections, the output that holds the classes; and the classes' names.

    Returns:
        The names of the classes; empty if the targets have none.
    """
    rows = score.request.target.rows
    if all(y is None for y in ys):
        score.record(target=score.request.target.units[:, 0, 0])
    if rows is not None:
        score.record(box=rows[:, BOX], label=rows[:, LABEL].astype(int), detection_score=rows[:, SCORE])
    output = adapter.selected_output(score.request)
    if output is not None:
        score.record(output=np.full(score.n, output))
    target = score.request.target
    names = names_for(target, output, adapter.class_names)
    if any(int(unit) in names for unit in target.units[:, :, 0].flat):
        score.record(class_name=np.array(describe_names(target, names)))
    return names


def _merge_details(parts: Sequence[Mapping[str, npt.NDArray[Any]]], lengths: Sequence[int]) -> dict[str, npt.NDArray[Any]]:
    """Join the details of all batches; a text that some of them lack is empty there, such as the class name of a layer."""
    if len(parts) == 1:
        return {name: np.array(value) for name, value in parts[0].items()}
    names = dict.fromkeys(name for part in parts for name in part)
    rows = list(zip(parts, lengths, strict=True))
    return {name: concatenate_padded([part.get(name, np.full(n, "")) for part, n in rows]) for name in names}


def checked_batch_size(batch_size: Any) -> int | None:
    """Return a batch size; None for ``"auto"``.

    Raises:
        InputError: if it is neither ``"auto"`` nor a whole number above 0.
    """
    if isinstance(batch_size, str) and batch_size == "auto":
        return None
    if isinstance(batch_size, str) or batch_size is None:
        raise InputError(f'`batch_size` (={shown(batch_size)}) must be "auto" or a whole number, 1 or more')
    return whole_number("batch_size", batch_size, least=1)


def default_batch_size(x_value: Any, adapter: GradientAdapter) -> int:
    """Return the default batch size for an input; measured on images, it is close to the fastest on a CPU."""
    try:
        numbers = int(math.prod(np.shape(x_value))) if adapter.joined is None else sum(adapter.joined.sizes)
    except Exception:  # a ragged list, or one of tensors, which the adapter refuses or reads
        numbers = 1
    return min(32, math.isqrt(adapter.batch_memory // max(1, numbers))) or 1


def _to_host(adapter: GradientAdapter, value: Any) -> npt.NDArray[Any]:
    return value if isinstance(value, np.ndarray) else adapter.numpy(value)


def _observed_scores(adapter: GradientAdapter, plan: BatchPlan) -> npt.NDArray[Any]:
    """Return all observed scores with one transfer: reading them after each pass would stall the device."""
    observed, plan.observed_scores = plan.observed_scores, []
    return adapter.numpy(adapter.xp.concatenate(observed) if len(observed) > 1 else observed[0]) if observed else np.zeros(0)


def _check_masks(masks: npt.NDArray[Any], scores: npt.NDArray[Any], empty: str) -> npt.NDArray[Any]:
    """Return the masks if they and the observed scores are finite; warn of masks that are zero everywhere."""
    flat = masks.reshape(len(masks), -1)
    finite, finite_scores = np.isfinite(flat).all(axis=1), np.isfinite(scores)
    if finite.all() and finite_scores.all() and flat.any(axis=1).all():
        return masks
    bad_scores, bad_masks = scores[~finite_scores], np.flatnonzero(~finite)
    problems = [f"the score is {bad_scores[0]}; it must be finite"] if bad_scores.size else []
    if bad_masks.size:
        problems = [
            f"the mask of input {bad_masks.tolist()} holds NaN or infinite values, as does the model's output or gradient",
            *problems,
        ]
    if problems:
        raise GradientError(": ".join(problems))
    zero_masks = np.flatnonzero(~flat.any(axis=1))
    if zero_masks.size:
        warn(f"the mask of input {zero_masks.tolist()} is zero everywhere: {empty}", ZeroGradientWarning)
    return masks
