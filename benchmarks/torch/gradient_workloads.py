"""Workloads of methods based on input gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import saliency
from benchmarks import max_ratios
from benchmarks.cases import BUNDLED, SQUEEZENET, BenchmarkCase
from benchmarks.comparison import CAPTUM, LIMIT, OURS, PAIR, Comparison, Variant, Workload, format_batch_sizes
from benchmarks.peers.peer_variants import PeerVariants
from benchmarks.torch import bare_passes, captum_variants, completeness_gap, limits


def workloads(case: BenchmarkCase, peers: PeerVariants) -> Iterator[Workload]:
    """Yield the workloads of a case."""
    yield Workload("Vanilla", partial(vanilla, case, peers))
    yield Workload(f"SmoothGrad, {case.samples} samples", partial(smoothgrad, case, peers))
    yield Workload(f"IntegratedGradients, {case.steps} steps", partial(integrated_gradients, case, peers))
    yield Workload("GuidedBackprop", partial(guided_backprop, case))
    if case.name in (BUNDLED, SQUEEZENET):
        yield Workload("DeepLIFT", partial(deep_lift, case))
    if case.batch == 1:
        yield Workload("IntegratedGradients to a gap of 1 %", partial(completeness_gap.gap_comparison, case, peers))
        yield Workload("Vanilla, 8 targets of one input", partial(several_targets, case))


def vanilla(case: BenchmarkCase, peers: PeerVariants) -> Comparison:
    """Prepare plain gradients."""
    ours = partial(saliency.Vanilla(case.model, case.classes[0]).GetMasks, case.inputs)
    variants = {CAPTUM: Variant(captum_variants.vanilla(case)), **peers.variants({PAIR: "vanilla"})}
    bar = limits.gradient_max_ratio(case, min(case.batch, case.default_batch))
    return _comparison(case, ours, variants, max_ratios.for_bare_passes(bar) | max_ratios.VANILLA)


def smoothgrad(case: BenchmarkCase, peers: PeerVariants) -> Comparison:
    """Prepare SmoothGrad with squares."""
    mask = saliency.Vanilla(case.model, case.classes[0])
    ours = partial(mask.GetSmoothedMasks, case.inputs, nsamples=case.samples, seed=0)
    variants = captum_variants.batch_variants(case, captum_variants.smoothgrad, case.samples)
    variants |= peers.variants({PAIR: "smoothgrad"}, "one at a time")
    bar = limits.gradient_max_ratio(case, case.default_batch)
    return _comparison(case, ours, variants, max_ratios.for_bare_passes(bar) | max_ratios.MULTI_PASS)


def integrated_gradients(case: BenchmarkCase, peers: PeerVariants) -> Comparison:
    """Prepare Integrated Gradients with the same number of steps for each library."""
    mask = saliency.IntegratedGradients(case.model, case.classes[0])
    ours = partial(mask.GetMasks, case.inputs, x_steps=case.steps)
    variants = captum_variants.batch_variants(case, captum_variants.integrated_gradients, case.steps)
    variants |= peers.variants({PAIR: "integrated"}, "20 at a time")
    bar = limits.gradient_max_ratio(case, case.default_batch)
    return _comparison(case, ours, variants, max_ratios.for_bare_passes(bar) | max_ratios.MULTI_PASS)


def guided_backprop(case: BenchmarkCase) -> Comparison:
    """Prepare guided backpropagation."""
    ours = partial(saliency.GuidedBackprop(case.model, case.classes[0]).GetMasks, case.inputs)
    return _comparison(case, ours, {CAPTUM: Variant(captum_variants.guided_backprop(case))}, {})


def deep_lift(case: BenchmarkCase) -> Comparison:
    """Prepare DeepLIFT; the limit passes the inputs and their baselines."""
    ours = partial(saliency.DeepLIFT(case.model, case.classes[0]).GetMasks, case.inputs)
    return _comparison(case, ours, {CAPTUM: Variant(captum_variants.deep_lift(case))}, max_ratios.DEEP_LIFT)


def several_targets(case: BenchmarkCase) -> Comparison:
    """Prepare gradients of several targets of one input; the limit repeats the input."""
    ours = partial(saliency.Vanilla(case.model).GetMasks, [case.x] * len(case.classes), case.classes)
    repeated = captum_variants.input_tensor(case)[:1].repeat(len(case.classes), 1, 1, 1)
    batches = bare_passes.rebatch([repeated], case.default_batch)
    limit = Variant(
        partial(bare_passes.run_gradients, case.model, case.classes[0], batches),
        f"the input repeated, {format_batch_sizes(batches)}",
    )
    variants = {OURS: Variant(ours), LIMIT: limit, CAPTUM: Variant(captum_variants.targets(case))}
    return Comparison(variants, max_ratios.for_targets(case.name), case.note)


def _comparison(
    case: BenchmarkCase, ours: Callable[[], object], variants: dict[str, Variant], bars: dict[str, float]
) -> Comparison:
    batches = bare_passes.record_batches(case.model, ours)
    return Comparison(
        {OURS: Variant(ours, format_batch_sizes(batches)), **limits.gradient_limits(case, batches), **variants},
        bars,
        case.note,
    )
