"""From a model's or a layer's output to one number for each sample."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import ModelError, TargetError

HIDDEN_LOGITS = (
    "the model's output comes out of a softmax or sigmoid, but not directly, or out of a part that can't be looked into; it "
    "is explained as it is, not by its logit. logits=False says that this is wanted; a callable `y` says what else is"
)
"""What is told where a target that asks for logits gets none."""


def read_scores(
    outputs: Any, places: Any, weights: Any | None, xp: Any, bring: Callable[[Any], Any] | None = None, sizes: Any = None
) -> Any:
    """Sum the numbers that stand at given places of outputs; a channel alone is its mean over space.

    Args:
        outputs: (N, channels, *space).
        places: (samples, terms, 2 or 4), see ``Target.places``.
        weights: (samples, terms); None for a single term, which counts by 1.
        xp: namespace of the outputs and weights.
        bring: brings an index to where the outputs are, for places that are on the host: one small array, and no arithmetic.
        sizes: the outputs' shape, where a graph is built before it is known.

    Returns:
        (samples,) in the output's units.
    """
    axes = len(outputs.shape)
    if places.shape[-1] == 2 and axes > 2:
        outputs = xp.mean(outputs, axis=tuple(range(2, axes)))
    index = places[..., 0]
    for axis in range(1, places.shape[-1]):
        index = index * (outputs.shape if sizes is None else sizes)[axis] + places[..., axis]
    terms = xp.take(outputs, bring(index) if bring else index)
    return terms[:, 0] if weights is None else xp.sum(terms * weights, axis=1)


def with_channel_axis(outputs: Any, n: int | None) -> Any:
    """Return outputs as (N, channels, *space), or say why they are not; N may be open (None).

    Raises:
        ModelError: if they are not an array with N samples.
    """
    shape = getattr(outputs, "shape", None)
    if shape is None:
        raise ModelError(
            f"the model's output is a {type(outputs).__name__}; a class needs one array (N, classes): "
            "pass `y` as a callable that reads its number from this output"
        )
    if len(shape) == 0 or shape[0] != n:
        raise ModelError(f"the model's output has the shape {tuple(shape)} for {n} input(s); it must be ({n}, ...)")
    return outputs[:, None] if len(shape) == 1 else outputs


def check_indices(units: npt.NDArray[np.int64], shape: Sequence[int], layer: Any) -> None:
    """Refuse indices (samples, terms, 1 or 3) that are not in outputs of a shape (N, channels, *space).

    Raises:
        TargetError: if one is outside.
    """
    place = "the model's output" if layer is None else f"layer {layer!r}"
    if units.shape[-1] == 3 and len(shape) != 4:
        raise TargetError(f"`y` names a row and a column, but {place} has the shape (N, {', '.join(map(str, shape[1:]))})")
    for axis, name in zip(range(units.shape[-1]), ("class or channel", "row", "column"), strict=False):
        size, wanted = int(shape[axis + 1]), units[..., axis]
        outside = wanted[(wanted < 0) | (wanted >= size)]
        if outside.size:
            raise TargetError(f"`y`: {name} {outside[0]} is not in {place}, which has {size} (0 to {size - 1})")


def one_per_sample(scores: Any, n: int | None) -> Any:
    """Return what a function made of the output as (N,), where N may be open (None).

    Raises:
        TargetError: if it is not one number per sample.
    """
    shape = getattr(scores, "shape", None)
    if shape is None or tuple(shape) not in ((n,), (n, 1)):
        found = type(scores).__name__ if shape is None else f"shape {tuple(shape)}"
        raise TargetError(f"`y` must give one number per sample, shape ({'N' if n is None else n},); it gave {found}")
    return scores[:, 0] if len(shape) == 2 else scores
