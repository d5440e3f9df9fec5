"""Workloads of methods that hide regions; the limit is the forward passes of their coalitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from captum import attr

import saliency
from benchmarks import max_ratios
from benchmarks.cases import PIXELS, BenchmarkCase
from benchmarks.comparison import CAPTUM, OURS, Comparison, Variant, Workload, format_batch_sizes
from benchmarks.torch import bare_passes, captum_variants, limits
from saliency.core.regions.segmentation import grid_labels, slic_labels, unit_range

CELLS, FEW_CELLS, SUPERPIXELS = 5, 2, 50
"""Cells of a grid along each axis, and the number of superpixels of images of ``PIXELS`` pixels."""

ORDERS = 4
METHODS = {
    "FeatureAblation": {},
    "KernelSHAP": {"nmasks": 200, "seed": 0},
    "LIME": {"nmasks": 100, "seed": 0},
    "SobolIndices": {"ndesigns": 4, "seed": 0},
    "HSIC": {"nmasks": 100, "seed": 0},
}
"""Method -> options, besides the regions."""


def workloads(case: BenchmarkCase) -> Iterator[Workload]:
    """Yield the workloads of a case with one input."""
    if case.batch > 1:
        return
    labels = regions_of(case)
    for name, options in METHODS.items():
        mask = getattr(saliency, name)(case.model, case.classes[0])
        ours = partial(mask.GetMasks, case.inputs, regions=labels, **options)
        yield Workload(f"{name}, {labels.max() + 1} regions", partial(_comparison, case, ours))
    few = partial(saliency.FeatureAblation(case.model, case.classes[0]).GetMasks, case.inputs, n_regions=FEW_CELLS**2)
    yield Workload(f"FeatureAblation, {FEW_CELLS**2} regions", partial(_comparison, case, few))
    yield Workload(f"ShapleySampling, {ORDERS} orders of {CELLS**2} regions", partial(_shapley_values, case))


def regions_of(case: BenchmarkCase) -> np.ndarray[Any, Any]:
    """Return the labels of a case: superpixels of a large image, a grid of a small one, so that they take no time."""
    if case.x.shape[-1] < PIXELS:
        return grid_labels(case.x.shape[1:], CELLS)
    return slic_labels(unit_range(np.moveaxis(case.x, 0, -1)), SUPERPIXELS)


def _comparison(case: BenchmarkCase, ours: Callable[[], object], captum: Callable[[int], object] | None = None) -> Comparison:
    batches = bare_passes.record_batches(case.model, ours)
    variants = {OURS: Variant(ours, format_batch_sizes(batches)), **limits.forward_limits(case, batches)}
    if captum is not None:
        size = captum_variants.fastest_of(
            {size: partial(captum, size) for size in (1, case.default_batch // 2 or 1, case.default_batch)}
        )
        variants[CAPTUM] = Variant(partial(captum, size), f"{size} at a time")
    return Comparison(variants, max_ratios.REGIONS, case.note)


def _shapley_values(case: BenchmarkCase) -> Comparison:
    """Prepare Shapley values from equally many random orders; Captum evaluates each forward alone."""
    mask = saliency.ShapleySampling(case.model, case.classes[0])
    ours = partial(mask.GetMasks, case.inputs, n_regions=CELLS**2, permutations=ORDERS, seed=0)
    labels = torch.from_numpy(grid_labels(case.x.shape[1:], CELLS)).to(captum_variants.input_tensor(case).device)
    method = attr.ShapleyValueSampling(case.model)

    def captum(size: int) -> torch.Tensor:
        options = {"feature_mask": labels[None, None], "n_samples": ORDERS, "perturbations_per_eval": size}
        return method.attribute(captum_variants.input_tensor(case), target=case.classes[0], **options)

    return _comparison(case, ours, captum)
