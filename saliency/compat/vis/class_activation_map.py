"""keras-vis's class activation map: Grad-CAM with gradients divided by their maximum, resized by cubic splines."""

from typing import Any

import numpy as np

from saliency.compat.vis.grad_modifiers import get
from saliency.compat.vis.loss_gradients import LossGradients, NumpyArray
from saliency.core.gradient_modifiers import EPSILON
from saliency.core.methods.grad_cam import GradCAM
from saliency.core.numerics.cubic_spline import resize_by_splines
from saliency.core.numerics.resampling import spatial_axes
from saliency.core.validation import boolean


def class_activation_map(gradients: LossGradients, layer: Any, grad_modifier: Any, normalize: bool) -> NumpyArray:
    """Compute the map for ``keras_vis.visualize_cam``; ``layer=None`` selects the last layer with spatial axes."""
    modify, normalize = get(grad_modifier), boolean("normalize", normalize)

    def modify_and_divide(values: NumpyArray) -> NumpyArray:
        modified = np.asarray(modify(values))
        if normalize or gradients.exact:
            peak = modified.max() if gradients.exact else np.abs(modified).max()
            modified = modified / (peak + np.asarray(EPSILON, modified.dtype))
        return np.broadcast_to(modified.mean(axis=0), modified.shape) if gradients.exact else modified

    # `allow_no_relu`: in a guided model all ReLUs may come before the layer
    options = {"layer": layer, "should_resize": False, "allow_no_relu": True}
    maps = gradients.compute_masks(GradCAM, modify_and_divide, **options)
    shape = gradients.seeds.x.shape
    size = tuple(int(shape[axis]) for axis in spatial_axes(gradients.network.adapter.channel_axis, len(shape)))
    return gradients.finalize(resize_by_splines(maps[:1] if gradients.exact else maps, size), normalize)
