"""The workload of Integrated Gradients to a completeness gap of 1 %, each library with as few steps as needed."""

from __future__ import annotations

from functools import partial

import torch
from captum import attr

import saliency
from benchmarks import max_ratios
from benchmarks.cases import BenchmarkCase
from benchmarks.comparison import CAPTUM, OURS, PAIR, Comparison, Variant
from benchmarks.peers.peer_variants import PeerVariants
from benchmarks.torch import captum_variants

TOLERANCE = 0.01


def score_change(case: BenchmarkCase) -> float:
    """Return the score's change from zeros to the input."""
    x = captum_variants.input_tensor(case)[:1]
    with torch.inference_mode():
        scores = case.model(torch.cat([x, torch.zeros_like(x)]))[:, case.classes[0]]
    return float(scores[0] - scores[1])


def gap_comparison(case: BenchmarkCase, peers: PeerVariants) -> Comparison:
    """Prepare the comparison: find the number of steps that Captum needs, doubled from 8."""
    ours = partial(saliency.IntegratedGradients(case.model, case.classes[0]).GetMask, case.x, tolerance=TOLERANCE)
    points = int(partial(ours, details=True)().details["points"])
    at_a_time = captum_variants.fastest_batch(case, captum_variants.integrated_gradients, case.steps)
    steps, gap = _captum_steps(case, at_a_time)
    description = f"{steps} steps" + (f", gap still {gap:.1%}" if gap > TOLERANCE else "")
    captum = Variant(partial(captum_variants.integrated_gradients, case, at_a_time, steps), description)
    variants = {OURS: Variant(ours, f"{points} points"), CAPTUM: captum, **peers.variants({PAIR: "gap"})}
    return Comparison(variants, max_ratios.COMPLETENESS_GAP, case.note)


def _captum_steps(case: BenchmarkCase, at_a_time: int | None) -> tuple[int, float]:
    """Return Captum's number of steps and its remaining gap."""
    steps, whole, size = 4, score_change(case), at_a_time or case.default_batch
    while True:
        steps *= 2
        mask = attr.IntegratedGradients(case.model).attribute(
            captum_variants.input_tensor(case), target=case.classes[0], n_steps=steps, internal_batch_size=size
        )
        gap = abs(float(mask.sum()) / whole - 1)
        if gap <= TOLERANCE or 2 * steps > case.max_steps:
            return steps, gap
