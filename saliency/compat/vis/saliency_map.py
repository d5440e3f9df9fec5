"""keras-vis's saliency map: the modified gradient, reduced to its maximum over channels."""

from typing import Any

from saliency.compat.vis.grad_modifiers import get
from saliency.compat.vis.loss_gradients import LossGradients, NumpyArray
from saliency.core.methods.vanilla import Vanilla
from saliency.core.validation import boolean


def saliency_map(gradients: LossGradients, grad_modifier: Any, keepdims: bool, normalize: bool) -> NumpyArray:
    """Compute the map for ``keras_vis.visualize_saliency``."""
    keepdims = boolean("keepdims", keepdims)
    modify = None if grad_modifier is None else get(grad_modifier)
    values = gradients.compute_masks(Vanilla, modify, at=gradients.at)
    return gradients.finalize(values if keepdims else gradients.channel_maximum(values), normalize)
