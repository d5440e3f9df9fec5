"""Workloads of maps from the attention of a transformer; their limits are bare passes of one batch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import saliency
from benchmarks import max_ratios
from benchmarks.cases import BenchmarkCase
from benchmarks.comparison import LIMIT, OURS, Comparison, Variant, Workload, format_batch_sizes
from benchmarks.torch import bare_passes
from benchmarks.torch.networks import tensor


def workloads(case: BenchmarkCase) -> Iterator[Workload]:
    """Yield a workload for each method."""
    yield Workload("AttentionRollout", partial(attention_map, case, saliency.AttentionRollout, False, max_ratios.ROLLOUT))
    yield Workload("AttentionRelevance", partial(attention_map, case, saliency.AttentionRelevance, True, max_ratios.RELEVANCE))
    yield Workload("LeGrad", partial(attention_map, case, saliency.LeGrad, True, {}))


def attention_map(
    case: BenchmarkCase, method: type[saliency.SaliencyMask], backward: bool, bars: dict[str, float]
) -> Comparison:
    """Prepare the map of a method; its limit has a backward pass or none.

    The first two maps prove how the weights of attention are arranged, and are not timed.
    """
    mask, batches = method(case.model, case.classes[0]), [tensor(case.inputs)]
    for _ in range(2):
        mask.GetMasks(case.inputs)
    if backward:
        passes = partial(bare_passes.run_gradients, case.model, case.classes[0], batches)
    else:
        passes = partial(bare_passes.run_forwards, case.model, batches)
    variants = {OURS: Variant(partial(mask.GetMasks, case.inputs)), LIMIT: Variant(passes, format_batch_sizes(batches))}
    return Comparison(variants, bars, case.note)
