"""Workloads of Grad-CAM and Guided Grad-CAM."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import saliency
from benchmarks import max_ratios
from benchmarks.cases import BenchmarkCase
from benchmarks.comparison import CAPTUM, GRAD_CAM, LIMIT, OURS, Comparison, Variant, Workload, format_batch_sizes
from benchmarks.torch import bare_passes, captum_variants, limits


def workloads(case: BenchmarkCase) -> Iterator[Workload]:
    """Yield the workloads of a case."""
    yield Workload("GradCAM", partial(grad_cam, case))
    yield Workload("GuidedGradCAM", partial(guided_grad_cam, case))


def grad_cam(case: BenchmarkCase) -> Comparison:
    """Prepare Grad-CAM maps, resized to the input."""
    mask = saliency.GradCAM(case.model, case.classes[0], layer=case.layer)
    ours = partial(mask.GetMasks, case.inputs)
    batches = bare_passes.record_batches(case.model, ours)
    variants = {CAPTUM: Variant(captum_variants.grad_cam(case)), GRAD_CAM: _pytorch_grad_cam(case)}
    return Comparison(
        {OURS: Variant(ours, format_batch_sizes(batches)), **limits.forward_limits(case, batches), **variants},
        max_ratios.for_grad_cam(case.name),
        case.note,
    )


def guided_grad_cam(case: BenchmarkCase) -> Comparison:
    """Prepare Guided Grad-CAM; its limit is one forward and one backward pass."""
    mask = saliency.GuidedGradCAM(case.model, case.classes[0], layer=case.layer)
    ours = partial(mask.GetMasks, case.inputs)
    batches = bare_passes.rebatch([captum_variants.input_tensor(case)], case.default_batch)
    limit = Variant(partial(bare_passes.run_gradients, case.model, case.classes[0], batches), format_batch_sizes(batches))
    variants = {OURS: Variant(ours), LIMIT: limit, CAPTUM: Variant(captum_variants.guided_grad_cam(case))}
    return Comparison(variants, max_ratios.GUIDED_GRADCAM, case.note)


def _pytorch_grad_cam(case: BenchmarkCase) -> Variant:
    from tests.torchvision_ops import declare

    declare()
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    layers = [case.model.get_submodule(case.layer)]
    x, targets = captum_variants.input_tensor(case), [ClassifierOutputTarget(case.classes[0])] * case.batch

    def run() -> object:
        with GradCAM(model=case.model, target_layers=layers) as cam:  # removes its hooks from the model on exit
            return cam(input_tensor=x, targets=targets)

    return Variant(run)
