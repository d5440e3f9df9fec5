"""Workloads of metrics: insertion and deletion beside Quantus, and performance information curves beside PAIR."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import max_ratios
from benchmarks.cases import BUNDLED, IMAGE_FILE, BenchmarkCase
from benchmarks.comparison import OURS, PAIR, QUANTUS, Comparison, Variant, Workload, format_batch_sizes
from benchmarks.peers.peer_variants import PeerVariants
from benchmarks.torch import bare_passes, limits
from benchmarks.torch.path_workloads import attributions
from saliency import metrics

STEPS = 50


def workloads(case: BenchmarkCase, peers: PeerVariants) -> Iterator[Workload]:
    """Yield the workloads of the bundled network: the curves of several inputs, and PIC of one picture."""
    if case.name == BUNDLED and case.batch > 1:
        yield Workload(f"insertion, {STEPS} steps", partial(_curves, case, metrics.insertion))
        yield Workload(f"deletion, {STEPS} steps", partial(_curves, case, metrics.deletion))
    elif case.name == BUNDLED:
        yield Workload("PIC", partial(_information_curve, case, peers))


def _curves(case: BenchmarkCase, metric: Callable[..., object]) -> Comparison:
    """Prepare the curves; Quantus has the deletion, and removes each channel of a pixel alone, in almost as many steps."""
    maps = np.stack([attributions(x).sum(axis=0) for x in case.inputs])
    ours = partial(metric, case.model, case.inputs, maps, case.classes[0], steps=STEPS)
    batches = bare_passes.record_batches(case.model, ours)
    variants = {OURS: Variant(ours, format_batch_sizes(batches)), **limits.forward_limits(case, batches)}
    if metric is metrics.deletion and find_spec("quantus"):
        variants[QUANTUS] = Variant(_pixel_flipping(case, maps), f"{case.batch} at a time")
    return Comparison(variants, max_ratios.CURVES, case.note)


def _pixel_flipping(case: BenchmarkCase, maps: np.ndarray[Any, Any]) -> Callable[[], object]:
    import quantus

    options = {"abs": False, "normalise": False, "disable_warnings": True, "perturb_baseline": 0.0}
    pixels = int(
        np.prod(case.x.shape[1:])
    )  # Quantus asks for a divisor of their number: 576 values, 48 steps, for 96 x 96 pixels
    at_once = next(n for n in range(-(-case.x.size // STEPS), pixels + 1) if pixels % n == 0)
    metric = quantus.PixelFlipping(features_in_step=at_once, **options)
    targets, attribution = np.full(case.batch, case.classes[0]), np.broadcast_to(maps[:, None], case.inputs.shape)
    call = {"y_batch": targets, "a_batch": attribution.copy(), "softmax": False}
    return lambda: metric(model=case.model, x_batch=case.inputs, **call)


def _information_curve(case: BenchmarkCase, peers: PeerVariants) -> Comparison:
    prepare = partial(prepared, low=float(case.x.min()), high=float(case.x.max()))
    values = attributions(np.zeros((1, *case.x.shape[1:])))
    ours = partial(metrics.pic, case.model, [picture_of(case)], values, case.classes[0], prepare=prepare, least=-1e9)
    assert np.isfinite(ours().value).all(), "the blurred picture has no lower score"
    return Comparison({OURS: Variant(ours), **peers.variants({PAIR: "pic"})}, max_ratios.PIC, case.note)


def picture_of(case: BenchmarkCase) -> np.ndarray[Any, Any]:
    """Return the picture of a case in the size of its input, (H, W, 3), uint8."""
    size = case.x.shape[2], case.x.shape[1]
    return np.array(Image.open(IMAGE_FILE).convert("RGB").resize(size, Image.Resampling.BICUBIC))


def prepared(picture: np.ndarray[Any, Any], low: float, high: float) -> np.ndarray[Any, Any]:
    """Return a picture as an input of the network, (3, H, W), from low to high."""
    return np.moveaxis(low + (high - low) * picture / np.float32(255), -1, 0).astype(np.float32)
