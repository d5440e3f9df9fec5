"""The limit of a workload: bare passes in the batches that our method used, and in the fastest batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np
import tensorflow as tf

from benchmarks.cases import BenchmarkCase
from benchmarks.clock import Clock
from benchmarks.comparison import BEST, LIMIT, Variant, format_batch_sizes
from benchmarks.interleaved import fastest
from benchmarks.tf import bare_passes
from benchmarks.tf.networks import synchronize
from saliency import wrap
from saliency.core.mask_runner import default_batch_size

CLOCK = Clock(synchronize=synchronize)


@cache
def bare_passes_of(case: BenchmarkCase) -> bare_passes.BarePasses:
    """Return the bare passes of a case, which are traced once."""
    return bare_passes.BarePasses(case.model, case.classes[0])


def gradient_limits(case: BenchmarkCase, batches: Sequence[tf.Tensor]) -> dict[str, Variant]:
    """Return the limits of a workload of forward and backward passes."""
    return _limits(bare_passes_of(case).gradients, batches, _fastest_gradient_batch(case))


def forward_limits(case: BenchmarkCase, batches: Sequence[tf.Tensor]) -> dict[str, Variant]:
    """Return the limits of a workload of forward passes."""
    return _limits(bare_passes_of(case).forwards, batches, _fastest_forward_batch(case))


def _limits(run: Callable[[Sequence[tf.Tensor]], None], batches: Sequence[tf.Tensor], size: int) -> dict[str, Variant]:
    best = bare_passes.rebatch(batches, size)
    variants = {LIMIT: Variant(partial(run, batches), format_batch_sizes(batches))}
    if sorted(map(len, best)) != sorted(map(len, batches)):
        variants[BEST] = Variant(partial(run, best), format_batch_sizes(best))
    return variants


def default_batch(case: BenchmarkCase) -> int:
    """Return the library's default batch size for a case."""
    return default_batch_size(case.x, wrap(case.model))


@cache
def _fastest_gradient_batch(case: BenchmarkCase) -> int:
    return _fastest_batch(bare_passes_of(case).gradients, case)


@cache
def _fastest_forward_batch(case: BenchmarkCase) -> int:
    return _fastest_batch(bare_passes_of(case).forwards, case)


def _fastest_batch(run: Callable[[Sequence[tf.Tensor]], None], case: BenchmarkCase) -> int:
    tried = {
        size: partial(run, [_noisy_inputs(case, size)])
        for size in sorted({1, max(1, default_batch(case) // 2), default_batch(case)})
    }
    return fastest(tried, CLOCK, {size: size for size in tried})


def _noisy_inputs(case: BenchmarkCase, count: int) -> tf.Tensor:
    noise = np.random.default_rng(0).standard_normal((count, *case.x.shape), np.float32)
    return tf.constant(case.x + 0.15 * np.ptp(case.x) * noise)
