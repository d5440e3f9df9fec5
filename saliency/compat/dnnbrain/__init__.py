"""DNNBrain's Python interface to saliency images, with its names and its channel numbers from 1.

Replace DNNBrain's imports from ``dnnbrain.dnn.base``, ``dnnbrain.dnn.models`` and ``dnnbrain.dnn.algo`` by
``from saliency.compat.dnnbrain import AlexNet, VanillaSaliencyImage, ip``. The modules ``base``, ``models`` and ``algo`` exist
here too.
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
