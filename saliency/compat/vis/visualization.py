"""The supported part of keras-vis's ``vis.visualization``."""

from saliency.compat.keras_vis import (
    get_num_filters,
    overlay,
    visualize_cam,
    visualize_cam_with_losses,
    visualize_saliency,
    visualize_saliency_with_losses,
)

__all__ = [
    "get_num_filters",
    "overlay",
    "visualize_cam",
    "visualize_cam_with_losses",
    "visualize_saliency",
    "visualize_saliency_with_losses",
]
