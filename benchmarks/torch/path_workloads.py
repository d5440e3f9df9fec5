"""Workloads of methods that PAIR's library has as well, besides plain and integrated gradients: BlurIG, GuidedIG and XRAI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import saliency
from benchmarks import max_ratios
from benchmarks.cases import LARGE_BATCH, PIXELS, BenchmarkCase
from benchmarks.comparison import OURS, PAIR, Comparison, Variant, Workload
from benchmarks.peers.peer_variants import PeerVariants
from benchmarks.torch import bare_passes, limits


def workloads(case: BenchmarkCase, peers: PeerVariants) -> Iterator[Workload]:
    """Yield the workloads of a case with one input."""
    if case.batch > 1:
        return
    steps, y = case.steps, case.classes[0]
    blur = partial(saliency.BlurIG(case.model, y).GetMasks, x_steps=steps)
    guided = partial(saliency.GuidedIG(case.model, y).GetMasks, x_steps=steps)
    xrai = saliency.XRAI(case.model, y).GetMasks
    yield Workload(f"BlurIG, {steps} steps", partial(_comparison, case, peers, blur, "blur", max_ratios.BLUR_IG))
    yield Workload(f"GuidedIG, {steps} steps", partial(_comparison, case, peers, guided, "guided", max_ratios.GUIDED_IG))
    name = f"GuidedIG, {steps} steps, {LARGE_BATCH} inputs"
    yield Workload(name, partial(_several_guided_paths, case, peers, guided))
    yield Workload("XRAI", partial(_comparison, case, peers, xrai, "xrai", max_ratios.XRAI))
    yield Workload("XRAI of given attributions", partial(_regions_only, case, peers))


def _comparison(
    case: BenchmarkCase, peers: PeerVariants, ours: Callable[[Any], object], name: str, bars: dict[str, float]
) -> Comparison:
    """Prepare a comparison with PAIR and with the bare passes."""
    run = partial(ours, case.inputs)
    variants = {OURS: Variant(run), **limits.gradient_limits(case, bare_passes.record_batches(case.model, run))}
    return Comparison({**variants, **peers.variants({PAIR: name})}, bars, case.note)


def _several_guided_paths(case: BenchmarkCase, peers: PeerVariants, ours: Callable[[Any], object]) -> Comparison:
    """Prepare GuidedIG of several inputs; PAIR computes one at a time, and is timed on one of them."""
    inputs = replace(case, batch=LARGE_BATCH).inputs
    theirs = {column: replace(one, factor=LARGE_BATCH) for column, one in peers.variants({PAIR: "guided"}).items()}
    return Comparison({OURS: Variant(partial(ours, inputs)), **theirs}, max_ratios.SEVERAL_GUIDED_PATHS, case.note)


def _regions_only(case: BenchmarkCase, peers: PeerVariants) -> Comparison:
    """Prepare the segmentation and the order of the regions, without any pass through the model but that of the score."""
    ours = partial(saliency.XRAI(case.model, case.classes[0]).GetMask, case.x, base=attributions(case.x))
    bars = max_ratios.XRAI_REGIONS if case.x.shape[-1] == PIXELS else {}  # both resize smaller images for the segmentation
    return Comparison({OURS: Variant(ours), **peers.variants({PAIR: "regions"})}, bars, case.note)


def attributions(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return smooth attributions of the input's shape, which need no model."""
    rows, columns = np.indices(x.shape[1:]) / max(x.shape)
    return (np.sin(7 * rows) * np.cos(5 * columns) * (1 + x)).astype(np.float32)
