"""The maps of a comparison: those of each method, and those of its controls."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import InputError
from saliency.core.mask import SaliencyMask
from saliency.core.noise import sample_seeds
from saliency.core.validation import shown
from saliency.metrics.controls import blurred_maps, centered_maps, edge_maps, random_maps
from saliency.metrics.explained import channel_sums, magnitude_maps

HostMaps = npt.NDArray[np.float64]

CONTROLS = ("random", "edges", "center")
"""The names of the controls that all methods share."""


def blurred(method: str) -> str:
    """Return the name of a method's own control, its blurred maps."""
    return f"{method}, blurred"


def named_methods(methods: Any, adapter: GradientAdapter) -> dict[str, SaliencyMask]:
    """Return masks by their names.

    Args:
        methods: a mapping of names to masks, or a sequence of masks; a class of masks is constructed for the model.
        adapter: the model's adapter.

    Raises:
        InputError: if one of them is no mask, or two have the same name.
    """
    pairs = list(methods.items()) if isinstance(methods, Mapping) else [(None, mask) for mask in methods]
    found: dict[str, SaliencyMask] = {}
    for name, mask in pairs:
        if isinstance(mask, type) and issubclass(mask, SaliencyMask):
            mask = mask(adapter)
        if not isinstance(mask, SaliencyMask):
            raise InputError(f"`methods` holds {shown(mask)}; it must hold masks, such as saliency.Vanilla(model), or classes")
        label = type(mask).__name__ if name is None else str(name)
        if label in found:
            raise InputError(f"`methods` holds {label} twice; pass a dictionary with a name for each")
        found[label] = mask
    if not found:
        raise InputError("`methods` must hold at least one mask")
    return found


def compared_maps(
    masks: Mapping[str, SaliencyMask],
    adapter: GradientAdapter,
    x_values: Sequence[Any],
    ys: Sequence[Any],
    seed: int,
    first: int,
) -> dict[str, HostMaps]:
    """Compute the maps of some images, and those of the controls.

    Args:
        masks: the methods by name.
        adapter: the model's adapter.
        x_values: the inputs of n images.
        ys: their targets.
        seed: of the random maps.
        first: place of the first image among all.

    Returns:
        By name, (n, H, W) each: for each method the sums of the magnitudes over channels, then the controls.

    Raises:
        InputError: if the inputs are no images.
    """
    found = {name: magnitude_maps(mask, x_values, ys) for name, mask in masks.items()}
    return with_controls(found, adapter, x_values, seed, first)


def with_controls(
    maps: Mapping[str, HostMaps], adapter: GradientAdapter, x_values: Sequence[Any], seed: int, first: int
) -> dict[str, HostMaps]:
    """Add the controls to the maps of some images.

    Args:
        maps: for each method (n, H, W).
        adapter, x_values, seed, first: see ``compared_maps``.

    Raises:
        InputError: if the inputs are no images.
    """
    inputs = adapter.numpy(adapter.stack(list(x_values)))
    images = channel_sums(inputs, adapter, x_values)
    if images.ndim != 3:
        raise InputError(f"`pictures` (shape {inputs.shape[1:]}) must be images, with two spatial axes")
    seeds = sample_seeds(seed, first + len(images), stream=1)[first:]
    controls = (random_maps(images, seeds), edge_maps(images), centered_maps(images))
    own = {blurred(name): blurred_maps(one) for name, one in maps.items()}
    return {**maps, **dict(zip(CONTROLS, controls, strict=True)), **own}
