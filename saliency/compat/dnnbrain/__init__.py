"""DNNBrain's Python interface to saliency images: its names, its counting from 1, this library's masks behind it.

``from saliency.compat.dnnbrain import AlexNet, VanillaSaliencyImage, ip`` takes the place of DNNBrain's imports from
``dnnbrain.dnn.base``, ``dnnbrain.dnn.models`` and ``dnnbrain.dnn.algo``; ``base``, ``models`` and ``algo`` stand here too.
"""

from saliency.compat.dnnbrain.algo import GuidedSaliencyImage, SaliencyImage, VanillaSaliencyImage
from saliency.compat.dnnbrain.base import ImageProcessor, ip
from saliency.compat.dnnbrain.models import DNN, AlexNet, Googlenet, InceptionV3, Resnet152, Vgg11, Vgg19_bn, VggFace

__all__ = [
    "DNN",
    "AlexNet",
    "Googlenet",
    "GuidedSaliencyImage",
    "ImageProcessor",
    "InceptionV3",
    "Resnet152",
    "SaliencyImage",
    "VanillaSaliencyImage",
    "Vgg11",
    "Vgg19_bn",
    "VggFace",
    "ip",
]
