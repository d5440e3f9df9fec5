"""The workload of RISE to a standard error of 10 %, beside the paper's mean over as many masks as that needs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch

import saliency
from benchmarks import max_ratios
from benchmarks.cases import BenchmarkCase
from benchmarks.comparison import LIMIT, OURS, Comparison, Variant, Workload
from benchmarks.torch.networks import tensor

TOLERANCE = 0.1
START = 64
"""Number of masks that ours starts with."""

MEASURED = 256
"""Number of masks from which the number that the plain mean needs is computed."""

TIMED = 64
"""Number of masks of the plain mean that are timed."""

CELLS = 7


def workloads(case: BenchmarkCase) -> Iterator[Workload]:
    """Yield the workload of a case with one input."""
    if case.batch == 1:
        yield Workload("RISE to a standard error of 10 %", partial(rise, case))


def rise(case: BenchmarkCase) -> Comparison:
    """Prepare the comparison: measure how many masks the plain mean needs."""
    mask = saliency.RISE(case.model, case.classes[0], seed=0, cells=CELLS)
    ours = partial(mask.GetMask, case.x, nmasks=START, tolerance=TOLERANCE)
    samples = int(ours().details["samples"])
    plain = mask.GetMask(case.x, nmasks=MEASURED, control_variate=False, standard_error=True)
    relative = float(np.linalg.norm(plain.details["standard_error"]) / np.linalg.norm(plain))
    needed = round(MEASURED * (relative / TOLERANCE) ** 2)
    variants = {
        OURS: Variant(ours, f"{samples} masks"),
        LIMIT: Variant(partial(mean_over_masks, case, TIMED), f"{needed} plain masks, {TIMED} timed", factor=needed / TIMED),
    }
    return Comparison(variants, max_ratios.RISE, case.note)


@torch.inference_mode()
def mean_over_masks(case: BenchmarkCase, count: int) -> torch.Tensor:
    """Return the map of the paper: grids enlarged by Torch and cropped at random, and the mean weighted by the scores."""
    x, side = tensor(case.x), case.x.shape[-1]
    width = -(-side // CELLS)
    random, total = torch.Generator().manual_seed(0), torch.zeros(side, side, device=x.device)
    for start in range(0, count, case.default_batch):
        size = min(case.default_batch, count - start)
        grids = (torch.rand(size, 1, CELLS, CELLS, generator=random) < 0.5).to(x)
        large = torch.nn.functional.interpolate(grids, ((CELLS + 1) * width,) * 2, mode="bilinear", align_corners=False)
        shifts = torch.randint(width, (size, 2), generator=random).tolist()
        masks = torch.stack(
            [one[:, down : down + side, right : right + side] for one, (down, right) in zip(large, shifts, strict=True)]
        )
        scores = case.model(masks * x)[:, case.classes[0]]
        total += (scores[:, None, None] * masks[:, 0]).sum(dim=0)
    return total / (0.5 * count)
