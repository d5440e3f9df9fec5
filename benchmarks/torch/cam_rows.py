"""The rows of Grad-CAM, alone and guided."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import saliency
from benchmarks import bars
from benchmarks.row import CAPTUM, GRAD_CAM, LIMIT, OURS, Row, Way, Work, in_short
from benchmarks.subjects import Subject
from benchmarks.torch import bare, captum_ways, limits


def works(subject: Subject) -> Iterator[Work]:
    """Yield the works of a network."""
    yield Work("GradCAM", partial(grad_cam, subject))
    yield Work("GuidedGradCAM", partial(guided_grad_cam, subject))


def grad_cam(subject: Subject) -> Row:
    """Prepare the row of class activation maps, on the input's size."""
    mask = saliency.GradCAM(subject.model, subject.classes[0], layer=subject.layer)
    ours = partial(mask.GetMasks, subject.inputs)
    given = bare.batches(subject.model, ours)
    ways = {CAPTUM: Way(captum_ways.grad_cam(subject)), GRAD_CAM: _pytorch_grad_cam(subject)}
    return Row({OURS: Way(ours, in_short(given)), **limits.of_forwards(subject, given), **ways}, bars.GRADCAM, subject.note)


def guided_grad_cam(subject: Subject) -> Row:
    """Prepare the row of the product; its limit is one forward and one backward pass."""
    mask = saliency.GuidedGradCAM(subject.model, subject.classes[0], layer=subject.layer)
    ours = partial(mask.GetMasks, subject.inputs)
    given = bare.cut([captum_ways.inputs(subject)], limits.usual(subject))
    limit = Way(partial(bare.gradients, subject.model, subject.classes[0], given), in_short(given))
    ways = {OURS: Way(ours), LIMIT: limit, CAPTUM: Way(captum_ways.guided_grad_cam(subject))}
    return Row(ways, bars.GUIDED_GRADCAM, subject.note)


def _pytorch_grad_cam(subject: Subject) -> Way:
    from tests.torchvision_ops import declare

    declare()
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    layers = [subject.model.get_submodule(subject.layer)]
    x, targets = captum_ways.inputs(subject), [ClassifierOutputTarget(subject.classes[0])] * subject.batch

    def run() -> object:
        with GradCAM(model=subject.model, target_layers=layers) as cam:  # takes its hooks off the model when it ends
            return cam(input_tensor=x, targets=targets)

    return Way(run)
