"""PAIR's pictures of masks; see ``core.visualization``."""

from saliency.compat.pair.core.visualization import VisualizeImageDiverging, VisualizeImageGrayscale

__all__ = ["VisualizeImageDiverging", "VisualizeImageGrayscale"]
