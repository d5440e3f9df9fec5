"""The limit of a workload: bare passes in the batches that our method used, and in the fastest batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from functools import partial
from typing import TypeVar

from benchmarks.cases import BenchmarkCase
from benchmarks.clock import Clock
from benchmarks.comparison import BEST, LIMIT, Variant, format_batch_sizes
from benchmarks.interleaved import fastest

Batch = TypeVar("Batch", bound=Sized)


def limit_variants(
    run: Callable[[Sequence[Batch]], None], batches: Sequence[Batch], best: Sequence[Batch]
) -> dict[str, Variant]:
    """Return the limits of a workload; the second only if its batches have other sizes.

    Args:
        run: runs bare passes of batches.
        batches: the batches that our method used.
        best: the same inputs in the fastest batches.
    """
    variants = {LIMIT: Variant(partial(run, batches), format_batch_sizes(batches))}
    if sorted(map(len, best)) != sorted(map(len, batches)):
        variants[BEST] = Variant(partial(run, best), format_batch_sizes(best))
    return variants


def fastest_batch_size(
    run: Callable[[Sequence[Batch]], None], case: BenchmarkCase, inputs: Callable[[int], Batch], clock: Clock
) -> int:
    """Return the fastest batch size of bare passes: 1, the library's default, or half of it.

    Args:
        run: runs bare passes of batches.
        case: the case, which determines the default.
        inputs: returns a batch of a given size.
        clock: the clock of the framework.
    """
    sizes = sorted({1, max(1, case.default_batch // 2), case.default_batch})
    return fastest({size: partial(run, [inputs(size)]) for size in sizes}, clock, {size: size for size in sizes})
