"""Draw a mask over its image."""

from typing import Any

import numpy.typing as npt

from saliency.core.display.color_scale import ColorScale, check_colormap, is_diverging
from saliency.core.display.picture_colors import picture_colors
from saliency.core.display.visualization import channels_last, map_values
from saliency.core.errors import InputError
from saliency.core.validation import host_numbers, real_number

HostArray = npt.NDArray[Any]
ALPHA = 0.85  # opacity of the strongest pixels


def overlay(image: Any, mask: Any, alpha: float = ALPHA, cmap: str | None = None, percentile: float = 99) -> HostArray:
    """Draw a mask over its image, which keeps its colors where the mask is weak.

    Args:
        image: (H, W, C), (C, H, W) or (H, W); uint8, or the input of a model: see ``MaskArray.figure``. A PIL image
            may have any mode; it is converted to RGB, with white in place of transparency.
        mask: mask of the same height and width, drawn as by ``VisualizeImageDiverging`` if it has negative values, otherwise
            as by ``VisualizeImageGrayscale``.
        alpha: opacity of the strongest pixels, 0 to 1; weaker pixels are more transparent.
        cmap: name of a matplotlib colormap; None selects "coolwarm" if the mask has negative values, otherwise "inferno". A
            signed mask is drawn in the two colors at its ends.
        percentile: as in ``VisualizeImageGrayscale``.

    Returns:
        (H, W, 3) uint8.

    Raises:
        InputError: if the image and the mask differ in height or width, an option is invalid, or a PIL image has an EXIF
            orientation, which the mask may have or not.
    """
    alpha = real_number("alpha", alpha, 0, 1)
    check_colormap(cmap)
    picture = drawable_picture(image, apply_exif=False)
    signed = is_diverging(mask, host_numbers(mask, "mask", None))
    values = map_values(mask, signed)
    if values.shape != picture.shape[:2]:
        raise InputError(f"`mask` {values.shape} must have the height and width of `image` {picture.shape[:2]}")
    return ColorScale.of([values], signed, percentile, cmap).blend(picture, values, alpha)


def drawable_picture(image: Any, apply_exif: bool, name: str = "image") -> HostArray:
    """Return the colors of an image, (H, W, 3) or (H, W), from 0 to 1; arguments as for ``picture_pixels``.

    Raises:
        InputError: if it is no image.
    """
    last = channels_last(host_numbers(picture_pixels(image, apply_exif), name, None), None)
    colors = last[..., :-1] if last.shape[-1] in (2, 4) else last  # without the alpha channel
    return picture_colors(colors[..., 0] if colors.shape[-1] == 1 else colors)


def picture_pixels(image: Any, apply_exif: bool) -> Any:
    """Return the pixels of a PIL image, and any other value unchanged.

    Args:
        image: a PIL image of any mode, or any other value.
        apply_exif: whether to turn the picture as its EXIF orientation says; otherwise, a picture that has one is refused.

    Raises:
        InputError: if the picture cannot be decoded, or has an EXIF orientation that is not to be applied.
    """
    if not hasattr(image, "getbands"):
        return image
    from saliency.io.picture_conversion import drawable_pixels
    from saliency.io.picture_options import PictureError

    try:
        return drawable_pixels(image, apply_exif)
    except PictureError as error:
        raise InputError(f"`image` {error.problem}") from error
