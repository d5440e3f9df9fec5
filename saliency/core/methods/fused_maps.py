"""Fuse the class activation maps of several layers into one."""

import math
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np

from saliency.core.errors import InputError
from saliency.core.methods.masks_at_layer import LayerEvaluation, masks_at_layer
from saliency.core.numerics.resampling import resize_maps
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import shown

Fusion: TypeAlias = Literal["max", "mean", "product"]
FUSIONS = ("max", "mean", "product")


def layers_to_fuse(layer: Any, fuse: Any) -> list[Any] | None:
    """Return the layers of an option that names several; None if it names one layer or none.

    Raises:
        InputError: if the list is empty or contains None, or ``fuse`` is invalid.
    """
    if not isinstance(fuse, str) or fuse not in FUSIONS:
        raise InputError(f"`fuse` (={shown(fuse)}) must be one of {', '.join(map(repr, FUSIONS))}")
    if not isinstance(layer, list | tuple):
        return None
    if not layer or any(one is None for one in layer):
        raise InputError(f"`layer` (={layer!r}) must name at least one layer, and each entry must be a layer or its name")
    return list(layer)


def fused_maps(
    score: Score, x: Array, layers: list[Any], fuse: Fusion, evaluate: LayerEvaluation, combine: Callable[..., Array]
) -> Array:
    """Fuse the maps of several layers on the finest of their grids; record the layers and their grids.

    Args:
        score: the score of the N samples.
        x: (N, *input).
        layers: names of the layers, or the layers themselves.
        fuse: how to fuse the maps at each position: their maximum, mean or product.
        evaluate, combine: as for ``masks_at_layer``; the maps have the layer's grid, and each has a maximum of 1.

    Returns:
        (N, *space), not scaled.
    """
    maps, grids = [], []
    for layer in layers:
        part = score.using(layer=layer).for_inputs(score.inputs)
        maps.append(masks_at_layer(part, x, evaluate, combine))
        grids.append(tuple(int(length) for length in maps[-1].shape[1:]))
        score.record(**{name: value for name, value in part.details.items() if name == "score"})
    finest = max(grids, key=math.prod)
    score.record(
        layers=np.tile(np.array([_name(layer) for layer in layers]), (score.n, 1)),
        grids=np.tile(np.array(grids, np.int64), (score.n, 1, 1)),
        grid=np.tile(np.array(finest, np.int64), (score.n, 1)),
    )
    return _fuse(score.adapter.xp, [resize_maps(score.adapter, one, finest) for one in maps], fuse)


def _fuse(xp: Any, maps: list[Array], fuse: Fusion) -> Array:
    result = maps[0]
    for one in maps[1:]:
        result = xp.where(one > result, one, result) if fuse == "max" else result + one if fuse == "mean" else result * one
    return result / len(maps) if fuse == "mean" else result


def _name(layer: Any) -> str:
    return layer if isinstance(layer, str) else str(getattr(layer, "name", type(layer).__name__))
