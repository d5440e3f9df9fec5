"""Resolve targets that depend on the model's output for the clean input: top classes, regions and detections."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.batch_independence import evaluate_checked
from saliency.core.batching import BatchPlan
from saliency.core.box import Box
from saliency.core.detection_scores import KeptScore, ListScore, SimilarityScore, rows_of
from saliency.core.detector_outputs import ListOutput
from saliency.core.detector_recognition import recognize_output
from saliency.core.errors import InputError, ModelError, TargetError
from saliency.core.region import Region
from saliency.core.score_reading import with_channel_axis
from saliency.core.target import Target
from saliency.core.target_terms import Difference, Terms, channel_axis_of, parse_terms, reads_positions, regions_of
from saliency.core.types import Array
from saliency.core.validation import as_index, shown

Feed: TypeAlias = Mapping[str, Any]


def resolve_targets(
    adapter: GradientAdapter, x: Array, feed: Feed, ys: Sequence[Any], plan: BatchPlan, logits: bool, differentiates: bool
) -> Target:
    """Return the target of N inputs, with one forward pass if it depends on the outputs.

    Args:
        adapter: the model's adapter.
        x: the clean inputs, (N, *input).
        feed: the model's other inputs.
        ys: the user's targets, N * T: those of the first input, then those of the next. All are read at the same place.
        plan: the batch size of the run.
        logits: see ``SaliencyMask``.
        differentiates: whether the method computes gradients.

    Raises:
        ModelError: if the output is not an array (N, ...), or not finite.
        TargetError: if a target has no valid form, or the model has no such class, position or detection.
        InteractingSamples: if the samples influence each other.
    """
    if isinstance(ys[0], Box):
        return _detections(adapter, x, feed, ys, differentiates)
    axes = len(x.shape) - 1 - (adapter.channel_axis is not None)
    spatial_axes, channel_axis = None if all(map(regions_of, ys)) else axes, channel_axis_of(ys[0])
    if any(y is None or reads_positions(y) for y in ys):
        place = Target(logits=logits, spatial_axes=spatial_axes, channel_axis=channel_axis)
        outputs, times, space = (
            _clean_outputs(adapter, x, feed, plan, place),
            len(ys) // int(x.shape[0]),
            spatial_size(adapter, x),
        )
        ys = [_resolved(y, outputs[i // times], space) for i, y in enumerate(ys)]
    return Target.of(ys, logits, spatial_axes, channel_axis)


def spatial_size(adapter: GradientAdapter, x: Array) -> tuple[int, ...]:
    """Return the lengths of the spatial axes of inputs (N, *input)."""
    lengths = [int(length) for length in x.shape[1:]]
    if adapter.channel_axis is not None:
        del lengths[adapter.channel_axis]
    return tuple(lengths)


def _clean_outputs(adapter: GradientAdapter, x: Array, feed: Feed, plan: BatchPlan, place: Target) -> npt.NDArray[Any]:
    """Return the outputs (N, channels, *space) for the clean inputs, on the host; as they are if they have no channels."""

    def evaluate(x: Array, request: Request) -> tuple[Array]:
        return (with_channel_axis(adapter.outputs(x, request), x.shape[0]),)

    request = Request(replace(place, logits=False), feed)  # a softmax or sigmoid keeps the order
    call = partial(evaluate_checked, evaluate, adapter, verdicts=plan.independence) if plan.checks_independence else evaluate
    return adapter.numpy(call(x, request)[0])


def _resolved(y: Any, output: npt.NDArray[Any], space: Sequence[int]) -> Any:
    """Return a target without reference to the clean output (channels, *space); other targets as they are."""
    if y is None:
        scores = output.reshape(len(output), -1).mean(axis=1)
        if not np.isfinite(scores).all():
            raise ModelError("the model's output for this input is NaN or infinite, so it has no top class")
        return int(scores.argmax())
    if not reads_positions(y):
        return y
    if isinstance(y, Difference):
        return parse_terms(Difference(*(_terms(side, output, space) for side in (y.one, y.other))))
    return _terms(y, output, space)


def _terms(y: Any, output: npt.NDArray[Any], space: Sequence[int]) -> Terms:
    index = as_index(y)
    region = y if isinstance(y, Region) else Region(index) if index is not None else None
    if region is None:
        raise TargetError(f"`y` compares a Region with {shown(y)}; both sides of a Difference must be regions or classes")
    return Terms(None, *region.positions(output, space))


def as_returned(outputs: Any) -> Any:
    """Return the model's outputs unchanged, as the function of a target."""
    return outputs


def _detections(adapter: GradientAdapter, x: Array, feed: Feed, ys: Sequence[Box], differentiates: bool) -> Target:
    """Return the target of the detections that boxes match on the clean inputs."""
    n, space = int(x.shape[0]), spatial_size(adapter, x)
    if len(space) != 2:
        raise InputError(f"`y` is a Box, which needs images; an input has the shape {tuple(map(int, x.shape[1:]))}")
    outputs = adapter.outputs(x, Request(Target(function=as_returned, logits=False), feed))
    output = recognize_output(outputs, n, ys[0], adapter, (space[0], space[1]))
    found = [one for one in output.detections(outputs, adapter) for _ in range(len(ys) // n)]
    matches = [one.match(y, space) for y, one in zip(ys, found, strict=True)]
    if isinstance(output, ListOutput):
        return Target(function=ListScore(output), rows=rows_of(matches, found), logits=False)
    score = KeptScore(output) if differentiates else SimilarityScore(output)
    return Target(function=score, rows=rows_of(matches, found), logits=False)
