"""Workloads of layer-wise relevance propagation; its limit is one forward and one backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

import torch

import saliency
from benchmarks import max_ratios
from benchmarks.cases import RESNET, VGG, BenchmarkCase
from benchmarks.comparison import LIMIT, OURS, ZENNIT, Comparison, Variant, Workload, format_batch_sizes
from benchmarks.torch import bare_passes
from benchmarks.torch.networks import tensor

LOW, HIGH = -3.0, 3.0
"""Bounds of the prepared images, for the box rule."""

ZENNIT_COMPOSITES = {
    "epsilon-plus": "EpsilonPlus",
    "epsilon-plus-flat": "EpsilonPlusFlat",
    "epsilon-gamma-box": "EpsilonGammaBox",
    "alpha2-beta1-flat": "EpsilonAlpha2Beta1Flat",
}
"""Composite -> its class in zennit, which has none for ``"epsilon"``."""


def workloads(case: BenchmarkCase) -> Iterator[Workload]:
    """Yield a workload for each composite."""
    if case.has_attention:
        yield Workload("LRP, attn-lrp", partial(lrp, case, "attn-lrp"))
    elif case.batch == 1:
        for rule in ("epsilon", *ZENNIT_COMPOSITES):
            yield Workload(f"LRP, {rule}", partial(lrp, case, rule))


def lrp(case: BenchmarkCase, rule: str) -> Comparison:
    """Prepare the relevance by a composite."""
    bounds = {"low": LOW, "high": HIGH} if rule == "epsilon-gamma-box" else {}
    ours = partial(saliency.LRP(case.model, case.classes[0], rule=rule, **bounds).GetMasks, case.inputs)
    batches = [tensor(case.inputs)]
    passes = partial(bare_passes.run_gradients, case.model, case.classes[0], batches)
    variants = {OURS: Variant(ours), LIMIT: Variant(passes, format_batch_sizes(batches))}
    if rule in ZENNIT_COMPOSITES and find_spec("zennit"):
        variants[ZENNIT] = Variant(_zennit(case, rule))
    return Comparison(variants, max_ratios.for_lrp(rule), case.note)


def _zennit(case: BenchmarkCase, rule: str) -> Callable[[], object]:
    from tests.torchvision_ops import declare

    declare()
    from zennit import composites, torchvision
    from zennit.attribution import Gradient
    from zennit.canonizers import SequentialMergeBatchNorm

    kinds = {VGG: torchvision.VGGCanonizer, RESNET: torchvision.ResNetCanonizer}
    options: dict[str, object] = {"canonizers": [kinds.get(case.name, SequentialMergeBatchNorm)()]}
    x = tensor(case.inputs)
    if rule == "epsilon-gamma-box":
        options |= {"low": LOW * torch.ones_like(x), "high": HIGH * torch.ones_like(x)}
    composite = getattr(composites, ZENNIT_COMPOSITES[rule])(**options)

    def start(output: torch.Tensor) -> torch.Tensor:
        chosen = torch.zeros_like(output)
        chosen[:, case.classes[0]] = output[:, case.classes[0]]
        return chosen

    def run() -> object:
        with Gradient(model=case.model, composite=composite) as attributor:  # restores the model on exit
            return attributor(x, start)[1]

    return run
