"""PAIR's ``saliency.core``: methods for a function that returns outputs and gradients."""

from saliency.compat.pair.core.base import (
    CONVOLUTION_LAYER_VALUES,
    CONVOLUTION_OUTPUT_GRADIENTS,
    INPUT_OUTPUT_GRADIENTS,
    OUTPUT_LAYER_VALUES,
    SHAPE_ERROR_MESSAGE,
    CoreSaliency,
)
from saliency.compat.pair.core.blur_ig import BlurIG, gaussian_blur
from saliency.compat.pair.core.grad_cam import GradCam
from saliency.compat.pair.core.gradients import GradientSaliency
from saliency.compat.pair.core.guided_ig import GuidedIG
from saliency.compat.pair.core.integrated_gradients import IntegratedGradients
from saliency.compat.pair.core.occlusion import Occlusion
from saliency.compat.pair.core.visualization import VisualizeImageDiverging, VisualizeImageGrayscale
from saliency.compat.pair.core.xrai import XRAI, XRAIOutput, XRAIParameters

__all__ = [
    "CONVOLUTION_LAYER_VALUES",
    "CONVOLUTION_OUTPUT_GRADIENTS",
    "INPUT_OUTPUT_GRADIENTS",
    "OUTPUT_LAYER_VALUES",
    "SHAPE_ERROR_MESSAGE",
    "XRAI",
    "BlurIG",
    "CoreSaliency",
    "GradCam",
    "GradientSaliency",
    "GuidedIG",
    "IntegratedGradients",
    "Occlusion",
    "VisualizeImageDiverging",
    "VisualizeImageGrayscale",
    "XRAIOutput",
    "XRAIParameters",
    "gaussian_blur",
]
