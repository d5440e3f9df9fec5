"""The limits of a workload in TensorFlow; see ``benchmarks.limits``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np
import tensorflow as tf

from benchmarks.cases import BenchmarkCase
from benchmarks.clock import Clock
from benchmarks.comparison import Variant
from benchmarks.limits import fastest_batch_size, limit_variants
from benchmarks.tf import bare_passes
from benchmarks.tf.networks import synchronize

CLOCK = Clock(synchronize=synchronize)


@cache
def bare_passes_of(case: BenchmarkCase) -> bare_passes.BarePasses:
    """Return the bare passes of a case, which are traced once."""
    return bare_passes.BarePasses(case.model, case.classes[0])


def gradient_limits(case: BenchmarkCase, batches: Sequence[tf.Tensor]) -> dict[str, Variant]:
    """Return the limits of a workload of forward and backward passes."""
    best = bare_passes.rebatch(batches, _fastest_gradient_batch(case))
    return limit_variants(bare_passes_of(case).gradients, batches, best)


def forward_limits(case: BenchmarkCase, batches: Sequence[tf.Tensor]) -> dict[str, Variant]:
    """Return the limits of a workload of forward passes."""
    best = bare_passes.rebatch(batches, _fastest_forward_batch(case))
    return limit_variants(bare_passes_of(case).forwards, batches, best)


@cache
def _fastest_gradient_batch(case: BenchmarkCase) -> int:
    return _fastest_batch(bare_passes_of(case).gradients, case)


@cache
def _fastest_forward_batch(case: BenchmarkCase) -> int:
    return _fastest_batch(bare_passes_of(case).forwards, case)


def _fastest_batch(run: Callable[[Sequence[tf.Tensor]], None], case: BenchmarkCase) -> int:
    return fastest_batch_size(run, case, partial(_noisy_inputs, case), CLOCK)


def _noisy_inputs(case: BenchmarkCase, count: int) -> tf.Tensor:
    noise = np.random.default_rng(0).standard_normal((count, *case.x.shape), np.float32)
    return tf.constant(case.x + 0.15 * np.ptp(case.x) * noise)
