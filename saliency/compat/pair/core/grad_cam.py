"""PAIR's ``GradCam``."""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from saliency.compat.pair.core.base import (
    CONVOLUTION_LAYER_VALUES,
    CONVOLUTION_OUTPUT_GRADIENTS,
    CallModelFunction,
    CoreSaliency,
    HostArray,
    compute_mask,
)
from saliency.core.errors import InputError
from saliency.core.methods.grad_cam import GradCAM
from saliency.core.validation import boolean

__all__ = ["CONVOLUTION_LAYER_VALUES", "CONVOLUTION_OUTPUT_GRADIENTS", "GradCam"]


class GradCam(CoreSaliency):
    """Weight each channel of a layer by its mean gradient; see ``saliency.GradCAM``."""

    expected_keys: ClassVar[list[str]] = [CONVOLUTION_LAYER_VALUES, CONVOLUTION_OUTPUT_GRADIENTS]

    def GetMask(
        self,
        x_value: Any,
        call_model_function: CallModelFunction,
        call_model_args: Any = None,
        should_resize: bool = True,
        three_dims: bool = True,
    ) -> HostArray:
        """Compute the mask of one image.

        Args:
            x_value, call_model_function, call_model_args: see ``CoreSaliency.GetMask``.
            should_resize: scale the map to a maximum of 1, and resize it to the image, mirrored at its border.
            three_dims: repeat the map for three channels.

        Returns:
            (H, W, 3), or (H, W) without ``three_dims``; without ``should_resize``, rows and columns are those of the layer.
        """
        mask = compute_mask(GradCAM, x_value, call_model_function, call_model_args, should_resize=False)
        if boolean("should_resize", should_resize):
            mask = _resize(mask / (mask.max() or 1.0), np.shape(x_value))
        return np.stack([mask] * 3, axis=-1) if boolean("three_dims", three_dims) else mask


def _resize(mask: HostArray, shape: tuple[int, ...]) -> HostArray:
    """Resize a map (rows, columns) to the rows and columns of an image."""
    if mask.ndim != 2 or len(shape) < 2:
        raise InputError(f"`x_value` (shape {shape}) must be an image (H, W, C) to resize a map of the shape {mask.shape} to")
    rows, columns = (_mirrored_interpolation(*lengths) for lengths in zip(mask.shape, shape, strict=False))
    resized: HostArray = rows @ mask @ columns.T
    return resized


def _mirrored_interpolation(before: int, after: int) -> npt.NDArray[np.float64]:
    """Return the matrix (after, before) that interpolates linearly between centers; the map is mirrored at its border."""
    points = (np.arange(after) + 0.5) * before / after - 0.5
    lower = np.floor(points).astype(int)
    weights = np.zeros((after, before))
    for index, weight in ((lower, 1 - (points - lower)), (lower + 1, points - lower)):
        inside = before - 1 - np.abs(before - 1 - np.abs(index))  # -1 is 1, and before is before - 2
        np.add.at(weights, (np.arange(after), np.maximum(inside, 0)), weight)
    return weights
