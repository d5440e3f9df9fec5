"""keras-vis's class activation map: Grad-CAM of gradients that are divided by their peak, resized by splines."""

from typing import Any

import numpy as np

from saliency.compat.vis.grad_modifiers import get
from saliency.compat.vis.loss_gradients import Host, Question
from saliency.core.gradient_modifiers import EPSILON
from saliency.core.methods.grad_cam import GradCAM
from saliency.core.numerics.cubic_spline import resize_by_splines
from saliency.core.numerics.resampling import spatial_axes


def map_of(question: Question, layer: Any, grad_modifier: Any, normalize: bool) -> Host:
    """Return the map of a layer, see ``keras_vis.visualize_cam``; None for a layer is the last with spatial axes."""
    modify = get(grad_modifier)

    def divided(gradients: Host) -> Host:
        found = np.asarray(modify(gradients))
        if normalize or question.exact:
            peak = found.max() if question.exact else np.abs(found).max()
            found = found / (peak + np.asarray(EPSILON, found.dtype))
        return np.broadcast_to(found.mean(axis=0), found.shape) if question.exact else found

    options = {"layer": layer, "should_resize": False, "allow_no_relu": True}  # a guided model's ReLUs may all be in front
    maps = question.masks(GradCAM, divided, **options)
    shape = question.seeds.x.shape
    size = tuple(int(shape[axis]) for axis in spatial_axes(question.network.adapter.channel_axis, len(shape)))
    return question.finished(resize_by_splines(maps[:1] if question.exact else maps, size), normalize)
