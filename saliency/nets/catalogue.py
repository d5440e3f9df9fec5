"""The names of all networks, as far as no framework is needed to know them."""

import difflib
import re
from dataclasses import dataclass
from typing import NoReturn

from saliency.core.errors import InputError
from saliency.nets.embedded_networks import EMBEDDED

_TORCHVISION = """
    alexnet convnext_base convnext_large convnext_small convnext_tiny densenet121 densenet161 densenet169 densenet201
    efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6
    efficientnet_b7 efficientnet_v2_l efficientnet_v2_m efficientnet_v2_s googlenet inception_v3 maxvit_t mnasnet0_5
    mnasnet0_75 mnasnet1_0 mnasnet1_3 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small regnet_x_16gf regnet_x_1_6gf
    regnet_x_32gf regnet_x_3_2gf regnet_x_400mf regnet_x_800mf regnet_x_8gf regnet_y_128gf regnet_y_16gf regnet_y_1_6gf
    regnet_y_32gf regnet_y_3_2gf regnet_y_400mf regnet_y_800mf regnet_y_8gf resnet101 resnet152 resnet18 resnet34 resnet50
    resnext101_32x8d resnext101_64x4d resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5
    shufflenet_v2_x2_0 squeezenet1_0 squeezenet1_1 swin_b swin_s swin_t swin_v2_b swin_v2_s swin_v2_t vgg11 vgg11_bn vgg13
    vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn vit_b_16 vit_b_32 vit_h_14 vit_l_16 vit_l_32 wide_resnet101_2
    wide_resnet50_2"""

TORCHVISION = tuple(_TORCHVISION.split())
"""torchvision's classifiers, in its spelling."""

_KERAS = """
    ConvNeXtBase ConvNeXtLarge ConvNeXtSmall ConvNeXtTiny ConvNeXtXLarge DenseNet121 DenseNet169 DenseNet201
    EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3 EfficientNetB4 EfficientNetB5 EfficientNetB6 EfficientNetB7
    EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2L EfficientNetV2M EfficientNetV2S
    InceptionResNetV2 InceptionV3 MobileNet MobileNetV2 MobileNetV3Large MobileNetV3Small NASNetLarge NASNetMobile
    ResNet101 ResNet101V2 ResNet152 ResNet152V2 ResNet50 ResNet50V2 VGG16 VGG19 Xception"""

KERAS = tuple(_KERAS.split())
"""The networks of ``keras.applications``, in its spelling."""


@dataclass(frozen=True)
class FromDNNBrain:
    """One of DNNBrain's networks.

    Args:
        builder: torchvision's name of it; VggFace is not torchvision's.
        file: its weights, in ``$DNNBRAIN_DATA/models``.
        side: of its square input, in pixels.
    """

    builder: str
    file: str
    side: int = 224


DNNBRAIN = {
    "AlexNet": FromDNNBrain("alexnet", "alexnet.pth"),
    "Googlenet": FromDNNBrain("googlenet", "googlenet.pth"),
    "InceptionV3": FromDNNBrain("inception_v3", "inception_v3_google.pth", 299),
    "Resnet152": FromDNNBrain("resnet152", "resnet152.pth"),
    "Vgg11": FromDNNBrain("vgg11", "vgg11.pth"),
    "Vgg19_bn": FromDNNBrain("vgg19_bn", "vgg19_bn.pth"),
    "VggFace": FromDNNBrain("", "vgg_face_dag.pth"),
}
"""DNNBrain's networks, in its spelling, in which alone they are DNNBrain's."""

NAMES = {"torch": (*DNNBRAIN, *EMBEDDED, *TORCHVISION), "tf": (*EMBEDDED, *KERAS)}
"""Framework -> the networks in it."""


def plain(name: str) -> str:
    """Return a name without capitals, hyphens and underscores, by which it is found in any spelling.

    Between digits they stay: regnet_x_1_6gf is not regnet_x_16gf.
    """
    return re.sub(r"(?<!\d)_|_(?!\d)", "", name.lower().replace("-", "_"))


def find(name: str, framework: str) -> str | None:
    """Return a network's name in its own spelling, or None where the framework has none of this name.

    A name that is spelt as DNNBrain does is DNNBrain's; in any other spelling it is torchvision's.
    """
    if name in NAMES[framework]:
        return name
    return {plain(known): known for known in NAMES[framework]}.get(plain(name))


def refuse(name: str, framework: str) -> NoReturn:
    """Refuse a name that a framework does not have.

    Raises:
        InputError: always; it names the framework that has it, or the nearest names and where they are.
    """
    for other in NAMES:
        if other != framework and (known := find(name, other)):
            raise InputError(f"`net` (={name!r}) is not in `framework` (={framework!r}): give {other!r}, which has {known}")
    named = {
        plain(each): (each, place) for place in (*(set(NAMES) - {framework}), framework) for each in reversed(NAMES[place])
    }
    near = [named[key] for key in difflib.get_close_matches(plain(name), named, n=4, cutoff=0.6)]
    told = [each if place == framework else f"{each} (framework {place!r})" for each, place in near]
    told = [f"{name}:function, with the name of a function in it"] if name.endswith(".py") else told
    hint = f"nearest: {', '.join(told)}" if told else f"such as {', '.join(NAMES[framework][:4])}"
    forms = "a file that ends in .keras, .h5, .pt or .pt2, package.module:function or file.py:function"
    raise InputError(f"`net` (={name!r}) must be a network's name, {forms}; {hint}")
