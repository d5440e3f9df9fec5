"""Read one score for each sample from the output of a model or a layer."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import ONE_INPUT_HINT, ModelError, TargetError, one_line
from saliency.core.nested_outputs import describe_arrays, is_array
from saliency.core.validation import shown

LOGITS_NOT_FOUND = (
    "the logit of the class was not found: either the model processes the output of its softmax or sigmoid further, or that "
    "part of the model cannot be inspected. The output itself is explained instead. Pass logits=False to accept this without "
    "a warning, or a callable `y` that reads another score"
)
"""The warning if a target requests a logit and none is found."""

ONE_UNIT_HINT = (
    '. The only unit of a binary classifier is the score of label 1: pass y=0, and for label 0 also modifier="decrease"'
)
"""A hint for class 1 of an output with one unit."""


def read_scores(
    outputs: Any,
    positions: Any,
    weights: Any | None,
    xp: Any,
    to_device: Callable[[Any], Any] | None = None,
    shape: Any = None,
) -> Any:
    """Sum the terms of each sample's score; a channel without a position is averaged over space.

    Args:
        outputs: (N, channels, *space).
        positions: (samples, terms, 2 or 4), see ``Target.positions``.
        weights: (samples, terms); None for a single term with the weight 1.
        xp: namespace of the outputs and weights.
        to_device: moves an index array from the host to the device of the outputs, if ``positions`` is on the host.
        shape: the shape of the outputs as a tensor, if a graph is built before it is known.

    Returns:
        (samples,) in the output's units.
    """
    axes = len(outputs.shape)
    if positions.shape[-1] == 2 and axes > 2:
        outputs = xp.mean(outputs, axis=tuple(range(2, axes)))
    index = positions[..., 0]
    for axis in range(1, positions.shape[-1]):
        index = index * (outputs.shape if shape is None else shape)[axis] + positions[..., axis]
    terms = xp.take(outputs, to_device(index) if to_device else index)
    return terms[:, 0] if weights is None else xp.sum(terms * weights, axis=1)


def with_channel_axis(outputs: Any, n: int | None) -> Any:
    """Return outputs as (N, channels, *space); ``n`` is None if a graph leaves N open.

    Raises:
        ModelError: if they are not an array (N, ...).
    """
    shape = getattr(outputs, "shape", None)
    if shape is None:
        raise ModelError(
            f"the model's output is a {type(outputs).__name__}; explaining a class needs one array (N, classes): "
            "pass `y` as a callable that reads its score from this output"
        )
    if len(shape) == 0 or shape[0] != n:
        way_on = f". {ONE_INPUT_HINT}" if n is not None and n > 1 else ""
        raise ModelError(f"the model's output has the shape {tuple(shape)} for {n} input(s); it must be ({n}, ...){way_on}")
    return outputs[:, None] if len(shape) == 1 else outputs


def check_indices(units: npt.NDArray[np.int64], shape: Sequence[int], layer: Any) -> None:
    """Check that indices (samples, terms, 1 or 3) are within outputs of a shape (N, channels, *space).

    Raises:
        TargetError: if one is outside.
    """
    place = "the model's output" if layer is None else f"layer {shown(layer)}"
    if units.shape[-1] > 1 and units.shape[-1] != len(shape) - 1:
        raise TargetError(f"`y` names a row and a column, but {place} has the shape (N, {', '.join(map(str, shape[1:]))})")
    for axis, name in zip(range(units.shape[-1]), ("class or channel", "row", "column"), strict=False):
        size, wanted = int(shape[axis + 1]), units[..., axis]
        outside = wanted[(wanted < 0) | (wanted >= size)]
        if outside.size:
            hint = ONE_UNIT_HINT if size == 1 and axis == 0 and layer is None and outside[0] == 1 else ""
            raise TargetError(f"`y`: {name} {outside[0]} is not in {place}, which has {size} (0 to {size - 1}){hint}")


def call_target(function: Callable[[Any], Any], outputs: Any) -> Any:
    """Return what a callable target computes from outputs.

    Raises:
        TargetError: if it reads an output that does not exist, or uses one as something else than it is.
    """
    try:
        return function(outputs)
    except (LookupError, AttributeError, TypeError) as error:
        received = f"an array of shape {tuple(outputs.shape)}" if is_array(outputs) else describe_arrays(outputs)
        raise TargetError(f"`y` failed: {one_line(error)}. It receives a {type(outputs).__name__}: {received}") from error


def check_one_per_sample(scores: Any, n: int | None) -> Any:
    """Return the scores of a callable target as (N,); ``n`` is None if a graph leaves N open.

    Raises:
        TargetError: if they are not one number per sample.
    """
    shape = getattr(scores, "shape", None)
    if shape is None or tuple(shape) not in ((n,), (n, 1)):
        result = f"a {type(scores).__name__}" if shape is None else f"shape {tuple(shape)}"
        raise TargetError(f"`y` must return one number per sample, shape ({'N' if n is None else n},); it returned {result}")
    if "complex" in str(getattr(scores, "dtype", "")):
        raise TargetError(f"`y` must return real numbers; it returned {scores.dtype}: return the absolute value")
    return scores[:, 0] if len(shape) == 2 else scores
