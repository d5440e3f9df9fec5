"""All workloads of a case, in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

import saliency
from benchmarks import max_ratios
from benchmarks.cases import BenchmarkCase
from benchmarks.comparison import KERAS_VIS, LIMIT, OURS, PAIR, PAIR_GRAPH, Comparison, Variant, Workload, format_batch_sizes
from benchmarks.peers.peer_variants import PeerVariants, peer_variants
from benchmarks.tf import bare_passes, limits, occlusion_workloads

CLOCK = limits.CLOCK

MASKS = 512
"""Number of RISE's masks."""


@contextmanager
def workloads(case: BenchmarkCase) -> Iterator[Iterator[Workload]]:
    """Provide the workloads; the process of other libraries ends with the ``with`` block."""
    both = np.asarray(case.model(np.stack([case.x, np.zeros_like(case.x)]), training=False))[:, case.classes[0]]
    with peer_variants("tf", case, float(both[0] - both[1]), partial(save, case), CLOCK) as peers:
        yield _workloads(case, peers)


def save(case: BenchmarkCase, folder: Path) -> None:
    """Write the model to a file."""
    case.model.save(folder / "model.keras")


def _workloads(case: BenchmarkCase, peers: PeerVariants) -> Iterator[Workload]:
    if case.occlusion_only:
        yield from occlusion_workloads.workloads(case)
        return
    model, x, y = case.model, case.inputs, case.classes[0]
    vanilla, integrated = saliency.Vanilla(model, y), saliency.IntegratedGradients(model, y)
    gradients = partial(_gradient_comparison, case, peers)
    samples, steps = {"nsamples": case.samples, "seed": 0}, {"x_steps": case.steps}
    yield Workload(
        "Vanilla",
        partial(gradients, partial(vanilla.GetMasks, x), "vanilla", max_ratios.for_bare_passes(max_ratios.BARE_PASSES)),
    )
    names = f"SmoothGrad, {case.samples} samples", f"IntegratedGradients, {case.steps} steps"
    many = max_ratios.for_bare_passes(max_ratios.BARE_PASSES) | max_ratios.OTHER_LIBRARIES
    smooth = max_ratios.for_tf_smoothgrad(case.name)
    yield Workload(names[0], partial(gradients, partial(vanilla.GetSmoothedMasks, x, **samples), "smoothgrad", smooth))
    yield Workload(names[1], partial(gradients, partial(integrated.GetMasks, x, **steps), "integrated", many))
    yield Workload("GuidedBackprop", partial(gradients, partial(saliency.GuidedBackprop(model, y).GetMasks, x), "", {}))
    if case.batch == 1:
        yield Workload("IntegratedGradients to a gap of 1 %", partial(_gap_comparison, case, peers))
        yield Workload("Vanilla, 8 targets of one input", partial(_several_targets, case))
    yield Workload("GradCAM", partial(_grad_cam, case, peers))
    yield Workload("GuidedGradCAM", partial(_guided_grad_cam, case))
    if case.batch == 1:
        yield Workload(f"RISE, {MASKS} masks", partial(_rise, case))
    yield from occlusion_workloads.workloads(case)


def _gradient_comparison(
    case: BenchmarkCase, peers: PeerVariants, ours: Callable[[], object], name: str, bars: dict[str, float]
) -> Comparison:
    batches = bare_passes.record_batches(ours)
    columns = {PAIR: f"pair {name}", PAIR_GRAPH: f"pair-graph {name}"} if name else {}
    if name in ("vanilla", "smoothgrad"):
        columns = {KERAS_VIS: f"keras-vis {name}"} | columns
    variants = {
        OURS: Variant(ours, format_batch_sizes(batches)),
        **limits.gradient_limits(case, batches),
        **peers.variants(columns),
    }
    return Comparison(variants, bars, case.note)


def _gap_comparison(case: BenchmarkCase, peers: PeerVariants) -> Comparison:
    ours = partial(saliency.IntegratedGradients(case.model, case.classes[0]).GetMask, case.x, tolerance=0.01)
    points = int(ours().details["points"])
    return Comparison(
        {OURS: Variant(ours, f"{points} points"), **peers.variants({PAIR: "pair gap", PAIR_GRAPH: "pair-graph gap"})},
        max_ratios.COMPLETENESS_GAP,
        case.note,
    )


def _several_targets(case: BenchmarkCase) -> Comparison:
    ours = partial(saliency.Vanilla(case.model).GetMasks, [case.x] * len(case.classes), case.classes)
    batches = bare_passes.rebatch([tf.constant(case.x)[None]] * len(case.classes), case.default_batch)
    limit = Variant(
        partial(limits.bare_passes_of(case).gradients, batches), f"the input repeated, {format_batch_sizes(batches)}"
    )
    return Comparison(_trace({OURS: Variant(ours), LIMIT: limit}), max_ratios.for_targets(case.name), case.note)


def _rise(case: BenchmarkCase) -> Comparison:
    ours = partial(saliency.RISE(case.model, case.classes[0], seed=0).GetMask, case.x, nmasks=MASKS)
    batches = bare_passes.record_batches(ours)
    return Comparison(
        {OURS: Variant(ours, format_batch_sizes(batches)), **limits.forward_limits(case, batches)}, {}, case.note
    )


def _grad_cam(case: BenchmarkCase, peers: PeerVariants) -> Comparison:
    ours = partial(saliency.GradCAM(case.model, case.classes[0]).GetMasks, case.inputs)
    batches = bare_passes.record_batches(ours)
    theirs = peers.variants({KERAS_VIS: "keras-vis gradcam"})
    return Comparison(
        {OURS: Variant(ours, format_batch_sizes(batches)), **limits.forward_limits(case, batches), **theirs},
        max_ratios.for_tf_gradcam(case.name),
        case.note,
    )


def _guided_grad_cam(case: BenchmarkCase) -> Comparison:
    ours = partial(saliency.GuidedGradCAM(case.model, case.classes[0]).GetMasks, case.inputs)
    batches = bare_passes.rebatch([tf.constant(case.inputs)], case.default_batch)
    limit = Variant(partial(limits.bare_passes_of(case).gradients, batches), format_batch_sizes(batches))
    return Comparison(_trace({OURS: Variant(ours), LIMIT: limit}), max_ratios.GUIDED_GRADCAM, case.note)


def _trace(variants: dict[str, Variant]) -> dict[str, Variant]:
    """Run each variant once, since the first call of a ``tf.function`` traces it."""
    for variant in variants.values():
        variant.run()
    return variants
