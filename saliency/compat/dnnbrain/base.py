"""Convert between PIL images, arrays and tensors as DNNBrain does, with channels first."""

import sys
from typing import Any, final

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.core.errors import InputError
from saliency.core.validation import boolean, host_numbers


@final
class ImageProcessor:
    """Convert images. An image is a PIL image, or an array or tensor, (H, W) or RGB (3, H, W)."""

    def to_array(self, image: Any) -> npt.NDArray[Any]:
        """Convert an image to an array.

        Args:
            image: the image. An array is returned unchanged.

        Returns:
            The array: of a PIL image (H, W), or (channels, H, W) with all its channels.

        Raises:
            InputError: if ``image`` is not an image.
        """
        if isinstance(image, Image.Image):
            pixels = np.array(image)
            return pixels if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
        array = _tensor_to_array(image) if _is_tensor(image) else image
        if not isinstance(array, np.ndarray):
            raise InputError(f"`image` ({type(image).__name__}) must be an array, a tensor or a PIL image")
        if array.ndim != 2 and (array.ndim != 3 or array.shape[0] != 3):
            raise InputError(f"`image` (shape {array.shape}) must be (H, W), or (3, H, W) in RGB")
        return array

    def to_tensor(self, image: Any) -> Any:
        """Convert an image to a ``torch.Tensor``, which shares the memory of an array if possible; see ``to_array``."""
        import torch

        if _is_tensor(image):
            self.to_array(image)
            return image
        array = self.to_array(image)
        shared = array.flags.writeable and min(array.strides, default=0) >= 0 and array.dtype.isnative
        try:
            return torch.from_numpy(array if shared else array.astype(array.dtype.newbyteorder("=")))
        except TypeError as error:
            raise InputError(f"`image` ({array.dtype}) must have a dtype that Torch supports") from error

    def to_pil(self, image: Any, normalization: bool = False) -> Image.Image:
        """Convert an image to a PIL image.

        Args:
            image: the image. Without ``normalization`` it must be 8-bit, or a grayscale image of floats (mode F).
            normalization: scale the range from minimum to maximum over all channels to 0..255 and truncate to integers. A
                constant image becomes black.

        Raises:
            InputError: if ``image`` is not an image, has a dtype that PIL does not support, or is to be normalized and is
                empty or not finite.
        """
        if not boolean("normalization", normalization) and isinstance(image, Image.Image):
            return image
        array = self.to_array(image)
        if normalization:
            array = _normalize(array)
        elif array.ndim == 3 and array.dtype != np.uint8:
            raise InputError(f"`image` ({array.dtype}, 3 channels) must be uint8; normalization=True converts it")
        try:
            return Image.fromarray(np.ascontiguousarray(array if array.ndim == 2 else np.moveaxis(array, 0, -1)))
        except TypeError as error:
            raise InputError(
                f"`image` ({array.dtype}) must have a dtype that PIL supports; normalization=True converts it"
            ) from error


def _normalize(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    host_numbers(array, "image", None)
    array = array if array.dtype.kind == "f" else array.astype(np.float64)
    array = array / 2 if float(array.max()) / 2 - float(array.min()) / 2 > np.finfo(array.dtype).max / 2 else array
    low, high = array.min(), array.max()
    if low == high:
        return np.zeros(array.shape, np.uint8)
    scaled: npt.NDArray[np.uint8] = ((array - low) / (high - low) * 255).astype(np.uint8)
    return scaled


def _tensor_to_array(tensor: Any) -> npt.NDArray[Any]:
    try:
        array: npt.NDArray[Any] = tensor.detach().cpu().resolve_conj().resolve_neg().numpy()
    except (RuntimeError, TypeError) as error:  # a type that NumPy lacks, a sparse tensor, or one without values
        reason = str(error).partition("\n")[0]
        raise InputError(f"`image` ({tensor.dtype}) must be a dense tensor of a type that NumPy has: {reason}") from error
    return array


def _is_tensor(image: Any) -> bool:
    torch = sys.modules.get("torch")  # without Torch loaded, there are no tensors
    return torch is not None and isinstance(image, torch.Tensor)


ip = ImageProcessor()
"""The image processor that DNNBrain's examples import."""
