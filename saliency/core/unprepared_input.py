"""Notice a picture that was not prepared for its model."""

from collections.abc import Hashable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import GradientAdapter
from saliency.core.adapter_request import Request
from saliency.core.errors import PreprocessingWarning
from saliency.core.expected_input import ExpectedInput, NormalizedLayer, expected_input
from saliency.core.numerics.resampling import spatial_axes
from saliency.core.target import Target
from saliency.core.types import Array
from saliency.core.warnings import warn

BRIGHT, WHITE = 64, 255
"""Pixels of 8 bits are whole numbers from 0 to 255; a picture whose values are all below 64 may be anything else."""

LARGEST_FACTOR = 10.0
"""By how much values may exceed those of training; pixels of 0 to 255 exceed inputs of unit scale by 100 or more."""

WAY_ON = "Prepare the picture as in training: network.prepare(picture), or network.explain(picture, y), of saliency.nets"

_factors: "WeakKeyDictionary[Any, dict[Hashable, float]]" = WeakKeyDictionary()
"""Model -> options of its adapter -> by how much pixels of 0 to 255 exceed the values of training."""


def warn_of_unprepared_input(adapter: GradientAdapter, value: Any, x: Array, request: Request) -> None:
    """Warn of pixels of 0 to 255, if the model shows that it was trained on other values or a smaller picture.

    The evidence is the preprocessing of a network of ``saliency.nets``, or the statistics of the model's first batch
    normalization. For these, the model is called once with the first such picture. Models without either are not judged.

    Args:
        adapter: the model's adapter.
        value: an input as the user passed it.
        x: it, and any others behind it, on the device, (n, *input).
        request: the request of the call.
    """
    if adapter.joined is not None or not _holds_pixels(adapter, value, x):
        return
    expected = expected_input(getattr(adapter, "model", None))
    problems = _scale_problem(adapter, x, request) if expected is None else _known_problems(adapter, x, expected)
    if problems:
        warn(f"`x_value` seems to be an unprepared picture: {' and '.join(problems)}. {WAY_ON}", PreprocessingWarning)


def _holds_pixels(adapter: GradientAdapter, value: Any, x: Array) -> bool:
    """Tell whether an input holds pixels of 0 to 255. Tensors are only read if their type says so, which saves a transfer."""
    pixels: npt.NDArray[Any] | None = None
    if isinstance(value, np.ndarray):
        pixels = value
    elif hasattr(value, "getbands") or "uint8" in str(getattr(value, "dtype", "")):
        pixels = adapter.numpy(x[:1])
    if pixels is None or pixels.ndim < 2 or pixels.dtype.kind not in "fiu" or not pixels.size:
        return False
    low, high = float(pixels.min()), float(pixels.max())
    return low >= 0 and BRIGHT <= high <= WHITE


def _known_problems(adapter: GradientAdapter, x: Array, expected: ExpectedInput) -> list[str]:
    """Return what contradicts the preprocessing of the network."""
    problems = []
    if LARGEST_FACTOR * expected.largest < WHITE:
        problems.append(f"its values are up to 255, and those of the network's inputs up to {expected.largest:.3g}")
    size = tuple(int(x.shape[axis]) for axis in spatial_axes(adapter.channel_axis, len(x.shape)))
    if len(size) == 2 and (size[0] > expected.size[0] or size[1] > expected.size[1]):
        problems.append(
            f"it has {size[0]} x {size[1]} pixels, and the network's inputs {expected.size[0]} x {expected.size[1]}"
        )
    return problems


def _scale_problem(adapter: GradientAdapter, x: Array, request: Request) -> list[str]:
    """Return what contradicts the statistics of a batch normalization."""
    owner, options = adapter.cache_owner
    try:
        known = _factors.setdefault(owner, {})
    except TypeError:  # no weak references: the model would be called for every picture
        return []
    if options not in known:
        layer = adapter.first_batch_norm()
        known[options] = 0.0 if layer is None else _factor(adapter, x, request, layer)
    if known[options] <= LARGEST_FACTOR:
        return []
    return [f"the output of the first batch normalization is {known[options]:.0f} times larger than in training"]


def _factor(adapter: GradientAdapter, x: Array, request: Request, normalized: NormalizedLayer) -> float:
    """Return the magnitude of a layer's output as a multiple of that in training; 0 if it cannot be read."""
    target = Target(normalized.layer, _root_mean_square_of(adapter), logits=False)
    try:
        found = float(adapter.numpy(adapter.scores(x[:1], Request(target, request.feed_of(slice(0, 1)))))[0])
    except Exception:  # such as a layer that is not called; the call itself reports what is wrong with the model
        return 0.0
    return found / normalized.magnitude if np.isfinite(found) else 0.0


def _root_mean_square_of(adapter: GradientAdapter) -> Any:
    def root_mean_square(output: Array) -> Array:
        xp = adapter.xp
        return xp.mean(xp.reshape(output * output, (output.shape[0], -1)), axis=1) ** 0.5

    return root_mean_square
