"""PAIR's performance information curves for one picture, and their aggregate."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError, SaliencyError
from saliency.core.validation import real_number, shown, whole_number
from saliency.metrics.inpainting import Picture, compressed_size, fill_with_nearest, interpolate_picture, revealed

Floats: TypeAlias = npt.NDArray[np.float64]

__all__ = [
    "AggregateMetricResult",
    "ComputePicMetricError",
    "PicMetricResult",
    "aggregate_individual_pic_results",
    "compute_pic_metric",
    "create_blurred_image",
    "estimate_image_entropy",
    "generate_random_mask",
]


class ComputePicMetricError(SaliencyError):
    """A picture has no curve: its prediction is too low, or the blurred picture has as much of it or of information."""


class PicMetricResult(NamedTuple):
    """The curve of one picture.

    Args:
        curve_x: normalized information, (points,), from 0 to 1.
        curve_y: normalized prediction, (points,), from 0 to 1.
        blurred_images: the blurred picture, those with sharp pixels, and the whole one.
        predictions: of these pictures.
        thresholds: the fraction of sharp pixels of each, from 0 to 1.
        auc: the area under the curve.
    """

    curve_x: Floats
    curve_y: Floats
    blurred_images: Sequence[Picture]
    predictions: Sequence[float]
    thresholds: Sequence[float]
    auc: float


class AggregateMetricResult(NamedTuple):
    """The aggregate of several curves; see ``PicMetricResult``."""

    curve_x: Floats
    curve_y: Floats
    auc: float


def create_blurred_image(full_img: Picture, pixel_mask: npt.NDArray[np.bool_], method: str = "linear") -> Picture:
    """Interpolate the pixels of a picture outside a mask from those inside it and the corners.

    Args:
        full_img: (H, W, channels) or (H, W), of any number type, which the result has as well.
        pixel_mask: (H, W); True keeps a pixel.
        method: ``"linear"``, or ``"nearest"``: the nearest pixel that is kept.

    Raises:
        InputError: if another method is given.
    """
    if method not in ("linear", "nearest"):
        raise InputError(f"`method` (={shown(method)}) must be 'linear' or 'nearest'")
    fill = interpolate_picture if method == "linear" else fill_with_nearest
    picture = fill(np.atleast_3d(full_img), np.asarray(pixel_mask, bool))
    return picture.reshape(np.shape(full_img))


def generate_random_mask(image_height: int, image_width: int, fraction: float = 0.01) -> npt.NDArray[np.bool_]:
    """Return a mask (H, W) of random pixels; NumPy's global generator draws them, as in PAIR."""
    size = whole_number("image_height", image_height, least=1), whole_number("image_width", image_width, least=1)
    count, mask = int(size[0] * size[1] * real_number("fraction", fraction, 0, 1)), np.zeros(size, bool)
    mask.flat[np.random.choice(mask.size, count, replace=False)] = True
    return mask


def estimate_image_entropy(image: Picture) -> float:
    """Return the size in bytes of a picture as lossless WebP."""
    return float(compressed_size(np.atleast_3d(image)))


def compute_pic_metric(
    img: Picture,
    saliency_map: npt.NDArray[Any],
    random_mask: npt.NDArray[np.bool_],
    pred_func: Callable[[Picture], Sequence[float]],
    saliency_thresholds: Sequence[float],
    min_pred_value: float = 0.8,
    keep_monotonous: bool = True,
    num_data_points: int = 1000,
) -> PicMetricResult:
    """Compute how soon the prediction returns while the most salient pixels sharpen a blurred picture.

    Args:
        img: (H, W, channels) or (H, W), uint8.
        saliency_map: (H, W).
        random_mask: (H, W), the pixels that are always sharp.
        pred_func: from pictures (N, ...) to N predictions, of 0 to 1. It is called with one picture at a time.
        saliency_thresholds: fractions of the pixels that are sharp.
        min_pred_value: the least prediction for the picture.
        keep_monotonous: use the running maximum of the predictions.
        num_data_points: the curve has one point more.

    Raises:
        InputError: a ValueError, if the picture is not uint8.
        ComputePicMetricError: see there.
    """
    if img.dtype != np.uint8:
        raise InputError(
            f"The `img` array that holds the input image should be of type uint8. The actual type is {img.dtype}."
        )
    values, always = np.asarray(saliency_map, np.float64), np.asarray(random_mask, bool)
    pictures = _blurred_and_whole(img, always, pred_func, min_pred_value)
    masks = (revealed(values, float(one), always) for one in sorted(saliency_thresholds))
    pictures[1:1] = [_evaluated(create_blurred_image(img, mask), pred_func) for mask in masks]
    predictions, sizes = [one.prediction for one in pictures], np.array([one.size for one in pictures])
    x, y = (np.clip((one - one[0]) / (one[-1] - one[0]), 0, 1) for one in (sizes, np.array(predictions)))
    y = np.maximum.accumulate(y) if keep_monotonous else y
    order = np.argsort(x, kind="stable")
    points = np.linspace(0, 1, num_data_points, endpoint=False)
    curve_x, curve_y = np.append(points, 1.0), np.append(np.interp(points, x[order], y[order]), 1.0)
    thresholds = [0.0, *map(float, sorted(saliency_thresholds)), 1.0]
    images = [one.picture for one in pictures]
    return PicMetricResult(curve_x, curve_y, images, predictions, thresholds, _area(curve_x, curve_y))


def aggregate_individual_pic_results(
    compute_pic_metrics_results: Sequence[PicMetricResult], method: str = "median"
) -> AggregateMetricResult:
    """Return the median or the mean of curves at each point.

    Raises:
        InputError: a ValueError, if there are none, their x axes differ, or the method does not exist.
    """
    results = list(compute_pic_metrics_results)
    if not results:
        raise InputError("The list of results should have at least one element.")
    if method not in ("median", "mean"):
        raise InputError(f"Unknown method {method}.")
    if any(not np.array_equal(one.curve_x, results[0].curve_x) for one in results):
        raise InputError("`compute_pic_metrics_results` must have the same `curve_x`: pass one `num_data_points` for all")
    curve_x = np.asarray(results[0].curve_x)
    curves = np.stack([one.curve_y for one in results])
    curve_y = np.asarray(np.median(curves, axis=0) if method == "median" else curves.mean(axis=0))
    return AggregateMetricResult(curve_x, curve_y, _area(curve_x, curve_y))


class _Evaluated(NamedTuple):
    picture: Picture
    prediction: float
    size: float


def _evaluated(picture: Picture, pred_func: Callable[[Picture], Sequence[float]]) -> _Evaluated:
    return _Evaluated(picture, float(pred_func(picture[None])[0]), estimate_image_entropy(picture))


def _blurred_and_whole(
    img: Picture, always: npt.NDArray[np.bool_], pred_func: Callable[[Picture], Sequence[float]], min_pred_value: float
) -> list[_Evaluated]:
    """Return the blurred and the whole picture, if a curve from one to the other exists."""
    whole = _evaluated(img, pred_func)
    if whole.prediction < min_pred_value:
        raise ComputePicMetricError(
            f"`min_pred_value` (={min_pred_value}) must not exceed the prediction for the picture ({whole.prediction}): "
            "leave the picture out, or lower the value"
        )
    blurred = _evaluated(create_blurred_image(img, always), pred_func)
    if blurred.prediction >= whole.prediction or blurred.size >= whole.size:
        raise ComputePicMetricError(
            f"the blurred picture must have a lower prediction ({blurred.prediction}) than the whole one "
            f"({whole.prediction}), and a smaller size ({blurred.size} than {whole.size}): leave the picture out"
        )
    return [blurred, whole]


def _area(x: Floats, y: Floats) -> float:
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1])) / 2)
