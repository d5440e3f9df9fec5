"""Localization: how much of a map lies on an object."""

from typing import Any

import numpy as np

from saliency.core.noise import sample_seeds
from saliency.core.validation import real_number, whole_number
from saliency.metrics.object_masks import dilate, maps_and_objects
from saliency.metrics.ranking import position_ranks
from saliency.metrics.result import MetricResult


def pointing_game(masks: Any, objects: Any, *, tolerance: float = 15.0) -> MetricResult:
    """Compute whether the maximum of each map lies on the object.

    The value is 1 if a position of the object is at most ``tolerance`` pixels from the maximum, else 0. If several positions
    share the maximum, it is the fraction of them that hit. Higher is better; the range is 0 to 1. It is NaN without an object.

    Args:
        masks: maps (N, H, W) from any library.
        objects: for each map a mask (H, W) or boxes (x0, y0, x1, y1) of its object.
        tolerance: in pixels; 15 in the paper. With 0, the maximum must lie on the object.

    Source:
        Zhang et al., Top-down Neural Attention by Excitation Backprop, arXiv:1608.00507.
    """
    tolerance = real_number("tolerance", tolerance, least=0.0)
    values = []
    for image, target in maps_and_objects(masks, objects):
        near = dilate(target, tolerance)
        values.append(near[image == image.max()].mean() if target.any() else np.nan)
    return MetricResult("pointing game", np.array(values), True)


def mass_accuracy(masks: Any, objects: Any) -> MetricResult:
    """Compute the share of the positive part of each map that lies on the object.

    The value is sum(max(m, 0) on the object) / sum(max(m, 0)). Pass ``abs(masks)`` to count negative values as well. Higher is
    better; the range is 0 to 1, and a map without information has the object's share of the image. The value is NaN without an
    object or without positive values.

    Args:
        masks: maps (N, H, W) from any library.
        objects: for each map a mask (H, W) or boxes (x0, y0, x1, y1) of its object.

    Source:
        Arras, Osman & Samek, Ground Truth Evaluation of Neural Network Explanations with CLEVR-XAI, arXiv:2003.07258
        (relevance mass accuracy).
    """
    values, areas = [], []
    for image, target in maps_and_objects(masks, objects):
        positive = np.clip(image, 0, None)
        defined = target.any() and positive.any()
        values.append(positive[target].sum() / positive.sum() if defined else np.nan)
        areas.append(target.mean())
    return MetricResult("mass accuracy", np.array(values), True, details={"object_area": np.array(areas)})


def rank_accuracy(masks: Any, objects: Any, *, seed: int = 0) -> MetricResult:
    """Compute the share of the K highest values of each map that lie on the object, for an object of K pixels.

    Higher is better; the range is 0 to 1, and a random map has the object's share of the image. The value is NaN without an
    object.

    Args:
        masks: maps (N, H, W) from any library.
        objects: for each map a mask (H, W) or boxes (x0, y0, x1, y1) of its object.
        seed: orders positions with equal values.

    Source:
        Arras, Osman & Samek, Ground Truth Evaluation of Neural Network Explanations with CLEVR-XAI, arXiv:2003.07258
        (relevance rank accuracy).
    """
    pairs, values, areas = maps_and_objects(masks, objects), [], []
    seeds = sample_seeds(whole_number("seed", seed, least=0), len(pairs))
    for (image, target), own in zip(pairs, seeds, strict=True):
        ranks = position_ranks(image[None], [own])[0]
        count = int(target.sum())
        values.append(np.count_nonzero(ranks[target] < count) / count if count else np.nan)
        areas.append(target.mean())
    return MetricResult("rank accuracy", np.array(values), True, details={"object_area": np.array(areas)})
