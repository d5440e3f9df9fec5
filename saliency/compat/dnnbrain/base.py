"""Pictures, arrays and tensors into one another, as DNNBrain's image processor does: colours stand first."""

import sys
from typing import Any, final

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.core.errors import InputError


@final
class ImageProcessor:
    """DNNBrain's conversions. An image is (H, W), (3, H, W) in RGB, an array or a tensor, or a PIL image."""

    def to_array(self, image: Any) -> npt.NDArray[Any]:
        """Return an image as an array.

        Args:
            image: a PIL image becomes (H, W), or (channels, H, W) with as many channels as it has; an array stays as it is.

        Raises:
            InputError: if it is no image.
        """
        if isinstance(image, Image.Image):
            pixels = np.array(image)
            return pixels if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
        array = image.detach().cpu().numpy() if _is_tensor(image) else image
        if not isinstance(array, np.ndarray):
            raise InputError(f"`image` ({type(image).__name__}) must be an array, a tensor or a PIL image")
        if array.ndim != 2 and (array.ndim != 3 or array.shape[0] != 3):
            raise InputError(f"`image` (shape {array.shape}) must be (H, W), or (3, H, W) in RGB")
        return array

    def to_tensor(self, image: Any) -> Any:
        """Return an image as a ``torch.Tensor``, which shares an array's memory where it can; see ``to_array``."""
        import torch

        if _is_tensor(image):
            self.to_array(image)
            return image
        array = self.to_array(image)
        shared = array.flags.writeable and min(array.strides, default=0) >= 0
        return torch.from_numpy(array if shared else array.copy())

    def to_pil(self, image: Any, normalization: bool = False) -> Image.Image:
        """Return an image as a PIL image.

        Args:
            image: of any numbers if they are normalised, or else 8-bit, or a grey one of floats (mode F).
            normalization: scale it from its least number to its greatest, over all channels, to 0..255, and cut off what is
                behind the point; a constant image becomes black.

        Raises:
            InputError: if it is no image, or its numbers are not finite, or neither 8-bit nor to be normalised.
        """
        if isinstance(image, Image.Image) and not normalization:
            return image
        array = self.to_array(image)
        if normalization:
            array = _normalised(array)
        elif array.ndim == 3 and array.dtype != np.uint8:
            raise InputError(f"`image` ({array.dtype}, 3 channels) must be uint8; normalization=True makes it so")
        try:
            return Image.fromarray(np.ascontiguousarray(array if array.ndim == 2 else np.moveaxis(array, 0, -1)))
        except TypeError as error:
            raise InputError(
                f"`image` ({array.dtype}) must be of a type that PIL takes; normalization=True makes it so"
            ) from error


def _normalised(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if array.size == 0 or not np.isfinite(array).all():
        raise InputError(
            f"`image` (shape {array.shape}) must hold finite numbers, to be scaled from the least to the greatest"
        )
    low, high = array.min(), array.max()
    if low == high:
        return np.zeros(array.shape, np.uint8)
    scaled: npt.NDArray[np.uint8] = ((array - low) / (high - low) * 255).astype(np.uint8)
    return scaled


def _is_tensor(image: Any) -> bool:
    torch = sys.modules.get("torch")  # unless it is loaded, nothing is a tensor
    return torch is not None and isinstance(image, torch.Tensor)


ip = ImageProcessor()
"""The one that DNNBrain's examples import."""
