"""XRAI: regions of an image, ordered by their mean attribution."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from saliency.core.channel_axis import input_axes
from saliency.core.errors import InputError, SaliencyError
from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import SCORE
from saliency.core.method_options import bind_options
from saliency.core.methods.integrated_gradients import IntegratedGradients
from saliency.core.per_sample import PerSample
from saliency.core.regions.growth import Growth, grow
from saliency.core.regions.segments import make_segments
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import real_number, shown, whole_number

Base: TypeAlias = Callable[[Any], SaliencyMask]
"""A mask class, or ``functools.partial`` of one with its options: it is called with the model."""

BLACK_AND_WHITE: Base = partial(IntegratedGradients, x_baseline=["min", "max"])
"""Integrated gradients from two constant images: the smallest and the largest number of the input."""


@final
class XRAI(SaliencyMask):
    """Cover an image with regions, those with the largest mean attribution first.

    The mask has the shape of the image's rows and columns. Each pixel has the mean attribution of its region, in units of the
    base attribution. ``details["ranks"]`` holds the rank of the region of each pixel; the largest mean has rank 1.

    Needs scikit-image: ``pip install 'saliency-masks[regions]'``.

    Options:
        base: the attribution of the pixels, of which the largest over the channels counts: a mask class, or
            ``functools.partial`` of one with its options; or an array of the input's shape or of its rows and columns
            (``PerSample`` holds one for each input). None means integrated gradients, averaged over a black and a white
            baseline: the smallest and the largest number of the input.
        regions: ``"felzenszwalb"``: segments at six scales, dilated by 5 pixels; labels (H, W); several labelings (n, H, W);
            boolean masks (n, H, W), which may overlap; or a callable that returns one of these for an image (H, W) or
            (H, W, C). ``PerSample`` holds one for each input.
        algorithm: ``"full"`` compares the pixels that each region would add; ``"fast"`` compares whole regions.
        min_pixels: regions that would add fewer pixels are skipped.
        area: with ``"full"``, stop when more than this fraction of the image is covered; the other pixels get their mean.

    Source:
        Kapishnikov et al., XRAI: Better Attributions Through Regions, arXiv:1906.02825.
    """

    unit = SCORE

    def masks(
        self,
        score: Score,
        x: Array,
        base: Any = None,
        regions: Any = "felzenszwalb",
        algorithm: Growth = "full",
        min_pixels: int = 50,
        area: float = 1.0,
    ) -> Array:
        """Return the mean attribution of each pixel's region."""
        if not isinstance(algorithm, str) or algorithm not in ("full", "fast"):
            raise InputError(f'`algorithm` (={shown(algorithm)}) must be "full" or "fast"')
        pixels, area = whole_number("min_pixels", min_pixels, least=1), real_number("area", area, least=0, most=1)
        adapter, axes = score.adapter, input_axes(score.adapter, x)
        if len(axes) != 2:
            raise InputError(f"`x_value` (shape {tuple(x.shape[1:])}) must be an image with two spatial axes for XRAI")
        attribution = _attribution(base, score, x, axes)
        attributions = adapter.numpy(attribution)
        if not np.isfinite(attributions).all():
            return attribution  # the run reports it
        images = np.moveaxis(adapter.numpy(x), axes, (1, 2))  # (N, H, W) or (N, H, W, C)
        grown = []
        for i, sample in enumerate(score.samples):
            own, name = regions, "regions"
            if isinstance(regions, PerSample):
                own, name = regions.values[sample], f"regions.values[{sample}]"
            grown.append(grow(attributions[i], make_segments(own, images[i], name), algorithm, pixels, area))
        score.record(ranks=np.stack([one.ranks for one in grown]))
        return adapter.asarray(np.stack([one.means for one in grown]))


def _attribution(base: Any, score: Score, x: Array, axes: tuple[int, ...]) -> Array:
    """Return the attribution of each pixel, (N, H, W)."""
    space = tuple(int(x.shape[axis]) for axis in axes)
    found = _mask_of(base, score, x) if base is None or callable(base) else _given(base, score)
    shape = tuple(map(int, found.shape[1:]))
    if shape == tuple(x.shape[1:]):
        channels = tuple(axis for axis in range(1, len(x.shape)) if axis not in axes)
        return score.adapter.xp.amax(found, axis=channels) if channels else found
    if shape != space:
        raise InputError(f"`base` (shape {shape}) must give an array of the input's shape {tuple(x.shape[1:])} or {space}")
    return found


def _mask_of(base: Base | None, score: Score, x: Array) -> Array:
    rule = f"`base` (={shown(base)}) must be a mask class, or functools.partial of one with its options"
    try:
        mask = (BLACK_AND_WHITE if base is None else base)(score.adapter)
    except SaliencyError:
        raise
    except Exception as error:  # whatever a function of the user raises for an adapter
        raise InputError(f"{rule}: {error}") from error
    if not isinstance(mask, SaliencyMask):
        raise InputError(rule)
    if mask.y is not None or mask.modifier is not None:
        raise InputError("`base` must have no `y` and no `modifier` of its own; pass them to XRAI")
    if score.modifier is not None and not mask.differentiates:
        raise InputError(f"`modifier` modifies gradients, but the base {type(mask).__name__} does not use gradients")
    return bind_options(mask.masks, type(mask).__name__, mask.options, {})(score, x)


def _given(base: Any, score: Score) -> Array:
    """Return the attributions that a user passes, for each sample."""
    adapter = score.adapter
    values = [base.values[sample] for sample in score.samples] if isinstance(base, PerSample) else [base]
    arrays: list[npt.NDArray[Any]] = [adapter.asarray(value, "base")[None] for value in values]
    return adapter.xp.concatenate(arrays if len(arrays) == score.n else arrays * score.n)
