"""keras-vis's saliency: the gradient, changed by a modifier, the strongest channel of each position."""

from typing import Any

from saliency.compat.vis.grad_modifiers import get
from saliency.compat.vis.loss_gradients import Host, Question
from saliency.core.methods.vanilla import Vanilla


def gradient_of(question: Question, grad_modifier: Any, keepdims: bool, normalize: bool) -> Host:
    """Return the picture of a gradient, see ``keras_vis.visualize_saliency``."""
    gradients = question.masks(Vanilla, None if grad_modifier is None else get(grad_modifier), at=question.at)
    return question.finished(gradients if keepdims else question.strongest(gradients), normalize)
