"""The limits of a workload in Torch; see ``benchmarks.limits``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache, partial

import torch

from benchmarks.cases import BenchmarkCase
from benchmarks.clock import Clock
from benchmarks.comparison import Variant
from benchmarks.interleaved import compare
from benchmarks.limits import fastest_batch_size, limit_variants
from benchmarks.max_ratios import BARE_PASSES, CHANNELS_LAST, TRANSFORMER, TRANSFORMERS
from benchmarks.torch import bare_passes
from benchmarks.torch.networks import synchronize, tensor

CLOCK = Clock(synchronize=synchronize)


def gradient_limits(case: BenchmarkCase, batches: Sequence[torch.Tensor]) -> dict[str, Variant]:
    """Return the limits of a workload of forward and backward passes."""
    best = bare_passes.rebatch(batches, fastest_gradient_batch(case))
    return limit_variants(partial(bare_passes.run_gradients, case.model, case.classes[0]), batches, best)


def forward_limits(case: BenchmarkCase, batches: Sequence[torch.Tensor]) -> dict[str, Variant]:
    """Return the limits of a workload of forward passes."""
    best = bare_passes.rebatch(batches, fastest_forward_batch(case))
    return limit_variants(partial(bare_passes.run_forwards, case.model), batches, best)


@cache
def fastest_gradient_batch(case: BenchmarkCase) -> int:
    """Return the fastest batch size of bare gradients."""
    return _fastest_batch(partial(bare_passes.run_gradients, case.model, case.classes[0]), case)


@cache
def fastest_forward_batch(case: BenchmarkCase) -> int:
    """Return the fastest batch size of bare forward passes."""
    return _fastest_batch(partial(bare_passes.run_forwards, case.model), case)


def _fastest_batch(passes: Callable[[Sequence[torch.Tensor]], None], case: BenchmarkCase) -> int:
    return fastest_batch_size(passes, case, partial(noisy_inputs, case), CLOCK)


def noisy_inputs(case: BenchmarkCase, count: int) -> torch.Tensor:
    """Return copies of the input with noise, (count, *input)."""
    x = tensor(case.x)
    noise = torch.randn(count, *x.shape, generator=torch.Generator().manual_seed(0)).to(x.device)
    return x + 0.15 * (x.max() - x.min()) * noise


@cache
def gradient_max_ratio(case: BenchmarkCase, size: int) -> float:
    """Return the bar of gradients in batches of ``size``: the lower one if channels-last makes bare gradients that fast."""
    if case.name in TRANSFORMERS:
        return TRANSFORMER
    last = deepcopy(case.model).to(memory_format=torch.channels_last)
    x = noisy_inputs(case, size)
    both = {
        "usual": partial(bare_passes.run_gradients, case.model, 0, [x]),
        "last": partial(bare_passes.run_gradients, last, 0, [x.contiguous(memory_format=torch.channels_last)]),
    }
    timings = compare(both, CLOCK)
    return CHANNELS_LAST if sorted(timings["last"])[1] <= CHANNELS_LAST * sorted(timings["usual"])[1] else BARE_PASSES
