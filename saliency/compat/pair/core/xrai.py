"""PAIR's ``XRAI``, with its parameters and details."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from saliency.compat.pair.core.base import CallModelFunction, CoreSaliency, HostArray, floating, run_mask
from saliency.compat.pair.core.integrated_gradients import IntegratedGradients
from saliency.core.errors import InputError
from saliency.core.methods import xrai
from saliency.core.result import MaskArray

__all__ = ["XRAI", "IntegratedGradients", "XRAIOutput", "XRAIParameters"]


@dataclass
class XRAIParameters:
    """Parameters of ``XRAI``.

    Args:
        steps: number of points on the path from each baseline.
        area_threshold: with ``"full"``, stop when more than this fraction of the image is covered.
        return_baseline_predictions: ignored, as in PAIR.
        return_ig_attributions: return the integrated gradients of each baseline.
        return_xrai_segments: return the segments.
        flatten_xrai_segments: return the segments as the rank of each pixel, (H, W), 1 for the largest mean attribution;
            otherwise as a list of boolean masks in this order.
        algorithm: ``"full"`` or ``"fast"``; see ``saliency.XRAI``.
        experimental_params: ``min_pixel_diff``: segments that would add fewer pixels are skipped.
    """

    steps: int = 100
    area_threshold: float = 1.0
    return_baseline_predictions: bool = False
    return_ig_attributions: bool = False
    return_xrai_segments: bool = False
    flatten_xrai_segments: bool = True
    algorithm: str = "full"
    experimental_params: dict[str, Any] = field(default_factory=lambda: {"min_pixel_diff": 50}, init=False)


@dataclass
class XRAIOutput:
    """What ``XRAI.GetMaskWithDetails`` returns; see ``XRAIParameters``.

    Args:
        attribution_mask: the mask, (H, W).
        baselines: the baselines, each of the input's shape; None if there are none.
        ig_attribution: the integrated gradients of each baseline.
        segments: the segments.
    """

    attribution_mask: HostArray
    baselines: Sequence[Any] | None = None
    ig_attribution: Sequence[Any] | None = None
    segments: Any = None


class XRAI(CoreSaliency):
    """Cover an image with regions, those with the largest mean attribution first; see ``saliency.XRAI``."""

    def __init__(self) -> None:
        self._integrated_gradients = IntegratedGradients()

    def GetMask(
        self,
        x_value: Any,
        call_model_function: CallModelFunction,
        call_model_args: Any = None,
        baselines: Any = None,
        segments: Any = None,
        base_attribution: Any = None,
        batch_size: int = 1,
        extra_parameters: XRAIParameters | None = None,
    ) -> HostArray:
        """Compute the mask (H, W) of one image; arguments as for ``GetMaskWithDetails``."""
        return self.GetMaskWithDetails(
            x_value, call_model_function, call_model_args, baselines, segments, base_attribution, batch_size, extra_parameters
        ).attribution_mask

    def GetMaskWithDetails(
        self,
        x_value: Any,
        call_model_function: CallModelFunction,
        call_model_args: Any = None,
        baselines: Any = None,
        segments: Any = None,
        base_attribution: Any = None,
        batch_size: int = 1,
        extra_parameters: XRAIParameters | None = None,
    ) -> XRAIOutput:
        """Compute the mask of one image, and what ``extra_parameters`` select.

        Args:
            x_value, call_model_function, call_model_args: see ``CoreSaliency.GetMask``; the image is (H, W, C).
            baselines: baselines of integrated gradients, each of the image's shape. None means two constant images: the
                smallest and the largest value of the image.
            segments: boolean masks (H, W), which may overlap; None means Felzenszwalb's segments at six scales.
            base_attribution: attributions of the image's shape, instead of integrated gradients.
            batch_size: number of points in one call of the function.
            extra_parameters: see ``XRAIParameters``.

        Raises:
            InputError: a ValueError, if an argument is invalid.
            ModelError: if scikit-image is needed and not installed.
        """
        x, parameters = floating(x_value), XRAIParameters() if extra_parameters is None else extra_parameters
        if parameters.algorithm not in ("full", "fast"):
            raise InputError(f"Unknown algorithm type: {parameters.algorithm}")
        starts, attributions = None, None
        if base_attribution is None:
            starts = _baselines(x, baselines)
            options = {"call_model_args": call_model_args, "x_steps": parameters.steps, "batch_size": batch_size}
            integrate = self._integrated_gradients.GetMask
            attributions = [integrate(x_value, call_model_function, x_baseline=start, **options) for start in starts]
            base = np.mean(attributions, axis=0)
        else:
            base = _checked_attribution(x, base_attribution)
        mask = _covering_mask(x, base, segments, parameters, call_model_function, call_model_args)
        output = XRAIOutput(np.array(mask).reshape(x.shape[:2]), starts)
        if parameters.return_ig_attributions:
            output.ig_attribution = attributions
        if parameters.return_xrai_segments:
            output.segments = _segments(mask.details["ranks"].reshape(x.shape[:2]), parameters.flatten_xrai_segments)
        return output


def _covering_mask(
    x: HostArray,
    base: HostArray,
    segments: Any,
    parameters: XRAIParameters,
    call_model_function: CallModelFunction,
    call_model_args: Any,
) -> MaskArray:
    """Return the mask (H, W) of an image that segments with the given attributions cover, with its details."""
    space = x.shape[:2] if x.ndim > 1 else (1, x.size)  # a vector is an image of one row
    base, image = (one.reshape(space) if x.ndim == 1 else one for one in (base, x))
    options = {
        "base": base,
        "regions": _regions(segments, space),
        "algorithm": parameters.algorithm,
        "min_pixels": max(1, parameters.experimental_params["min_pixel_diff"]),
        "area": parameters.area_threshold,
    }
    return run_mask(xrai.XRAI, image, call_model_function, call_model_args, **options)


def _baselines(x: HostArray, baselines: Any) -> list[HostArray]:
    """Return the baselines, each of the shape of the image."""
    if baselines is None:
        return [np.full_like(x, x.min()), np.full_like(x, x.max())]
    found = list(baselines)
    for one in found:
        if np.shape(one) != x.shape:
            raise InputError(f"Baseline size {np.shape(one)} does not match input size {x.shape}")
    if not found:
        raise InputError("`baselines` (length 0) must hold at least one array of the input's shape, or be None")
    return found


def _checked_attribution(x: HostArray, base_attribution: Any) -> HostArray:
    base = np.asarray(base_attribution)
    if base.shape != x.shape:
        raise InputError(
            f"The base attribution shape should be the same as the shape of `x_value`. Expected {x.shape}, got {base.shape}"
        )
    return base


def _regions(segments: Any, space: tuple[int, ...]) -> Any:
    """Return the regions of ``saliency.XRAI`` for a user's masks."""
    if segments is None:
        return "felzenszwalb"
    masks = np.asarray(segments)
    if masks.dtype == object or not masks.size or masks.shape[1:] not in (space, space[space[0] == 1 :]):
        raise InputError(f"`segments` (shape {masks.shape}) must be at least one boolean mask of the shape {space}")
    return masks.astype(bool).reshape(-1, *space)


def _segments(ranks: HostArray, flat: bool) -> Any:
    """Return the segments as the rank of each pixel, or as a list of boolean masks."""
    return ranks if flat else [ranks == rank for rank in range(1, int(ranks.max()) + 1)]
