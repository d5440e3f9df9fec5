"""PAIR's pictures of masks (H, W, C), by this library's functions."""

from typing import Any

from saliency.core.display import visualization
from saliency.core.display.visualization import HostArray

__all__ = ["VisualizeImageDiverging", "VisualizeImageGrayscale"]


def VisualizeImageGrayscale(image_3d: Any, percentile: float = 99) -> HostArray:
    """Convert a mask (H, W, C) to an image (H, W) from 0 to 1; see ``saliency.VisualizeImageGrayscale``."""
    return visualization.VisualizeImageGrayscale(image_3d, percentile, channel_axis=-1)


def VisualizeImageDiverging(image_3d: Any, percentile: float = 99) -> HostArray:
    """Convert a signed mask (H, W, C) to an image (H, W) from -1 to 1; see ``saliency.VisualizeImageDiverging``."""
    return visualization.VisualizeImageDiverging(image_3d, percentile, channel_axis=-1)
