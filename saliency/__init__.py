"""Which parts of an input a network's score depends on: saliency masks for Torch, each method written once."""

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import (
    GradientError,
    InputError,
    LogitWarning,
    ModelError,
    SaliencyError,
    TargetError,
    ZeroGradientWarning,
)
from saliency.core.guided_backprop import Deconvnet, GuidedBackprop
from saliency.core.mask import SaliencyMask
from saliency.core.show import show
from saliency.core.vanilla import Vanilla
from saliency.core.visualization import VisualizeImageDiverging, VisualizeImageGrayscale, overlay
from saliency.core.wrap import wrap

__version__ = "0.1.0"

__all__ = [
    "Deconvnet",
    "GradientAdapter",
    "GradientError",
    "GuidedBackprop",
    "InputError",
    "LogitWarning",
    "ModelError",
    "SaliencyError",
    "SaliencyMask",
    "TargetError",
    "Vanilla",
    "VisualizeImageDiverging",
    "VisualizeImageGrayscale",
    "ZeroGradientWarning",
    "overlay",
    "show",
    "wrap",
]
