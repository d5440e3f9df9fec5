"""PAIR's ``saliency.tf1``: methods for a TensorFlow 1 graph and its session."""

from saliency.compat.pair.tf1.base import X_SHAPE_ERROR_MESSAGE, Y_SHAPE_ERROR_MESSAGE, TF1CoreSaliency, TF1Saliency
from saliency.compat.pair.tf1.blur_ig import BlurIG
from saliency.compat.pair.tf1.grad_cam import GradCam
from saliency.compat.pair.tf1.gradients import GradientSaliency
from saliency.compat.pair.tf1.guided_backprop import GuidedBackprop
from saliency.compat.pair.tf1.guided_ig import GuidedIG
from saliency.compat.pair.tf1.integrated_gradients import IntegratedGradients
from saliency.compat.pair.tf1.occlusion import Occlusion
from saliency.compat.pair.tf1.utils import (
    CONVOLUTION_LAYER_VALUES,
    CONVOLUTION_OUTPUT_GRADIENTS,
    INPUT_OUTPUT_GRADIENTS,
    MISSING_CONV_LAYER_ERROR_MESSAGE,
    MISSING_Y_ERROR_MESSAGE,
    OUTPUT_LAYER_VALUES,
    create_tf1_call_model_function,
)
from saliency.compat.pair.tf1.visualization import VisualizeImageDiverging, VisualizeImageGrayscale
from saliency.compat.pair.tf1.xrai import XRAI, XRAIParameters

__all__ = [
    "CONVOLUTION_LAYER_VALUES",
    "CONVOLUTION_OUTPUT_GRADIENTS",
    "INPUT_OUTPUT_GRADIENTS",
    "MISSING_CONV_LAYER_ERROR_MESSAGE",
    "MISSING_Y_ERROR_MESSAGE",
    "OUTPUT_LAYER_VALUES",
    "XRAI",
    "X_SHAPE_ERROR_MESSAGE",
    "Y_SHAPE_ERROR_MESSAGE",
    "BlurIG",
    "GradCam",
    "GradientSaliency",
    "GuidedBackprop",
    "GuidedIG",
    "IntegratedGradients",
    "Occlusion",
    "TF1CoreSaliency",
    "TF1Saliency",
    "VisualizeImageDiverging",
    "VisualizeImageGrayscale",
    "XRAIParameters",
    "create_tf1_call_model_function",
]
