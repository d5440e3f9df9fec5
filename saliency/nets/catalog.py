"""List the names of all networks without importing a framework."""

import difflib
import os
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from saliency.core.errors import InputError
from saliency.core.validation import shown
from saliency.nets.bundled_networks import EMBEDDED_WEIGHTS

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
"""Names of torchvision's classifiers, as torchvision spells them."""

TORCHVISION_SEGMENTATION = (
    "deeplabv3_mobilenet_v3_large", "deeplabv3_resnet101", "deeplabv3_resnet50", "fcn_resnet101", "fcn_resnet50",
    "lraspp_mobilenet_v3_large")  # fmt: skip
"""Names of torchvision's networks for semantic segmentation."""

TORCHVISION_VIDEO = ("mc3_18", "mvit_v1_b", "mvit_v2_s", "r2plus1d_18", "r3d_18", "s3d", "swin3d_b", "swin3d_s", "swin3d_t")
"""Names of torchvision's classifiers of videos."""

_KERAS = """
    ConvNeXtBase ConvNeXtLarge ConvNeXtSmall ConvNeXtTiny ConvNeXtXLarge DenseNet121 DenseNet169 DenseNet201
    EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3 EfficientNetB4 EfficientNetB5 EfficientNetB6 EfficientNetB7
    EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 EfficientNetV2B3 EfficientNetV2L EfficientNetV2M EfficientNetV2S
    InceptionResNetV2 InceptionV3 MobileNet MobileNetV2 MobileNetV3Large MobileNetV3Small NASNetLarge NASNetMobile
    ResNet101 ResNet101V2 ResNet152 ResNet152V2 ResNet50 ResNet50V2 VGG16 VGG19 Xception"""

KERAS = tuple(_KERAS.split())
"""Names of the networks in ``keras.applications``, as Keras spells them."""


@dataclass(frozen=True)
class DNNBrainNetwork:
    """One of DNNBrain's networks.

    Args:
        builder: its name in torchvision; empty for VggFace, which torchvision does not have.
        weights_file: name of its weights file in ``$DNNBRAIN_DATA/models``.
        side: side length of its square input, in pixels.
    """

    builder: str
    weights_file: str
    side: int = 224


DNNBRAIN = {
    "AlexNet": DNNBrainNetwork("alexnet", "alexnet.pth"),
    "Googlenet": DNNBrainNetwork("googlenet", "googlenet.pth"),
    "InceptionV3": DNNBrainNetwork("inception_v3", "inception_v3_google.pth", 299),
    "Resnet152": DNNBrainNetwork("resnet152", "resnet152.pth"),
    "Vgg11": DNNBrainNetwork("vgg11", "vgg11.pth"),
    "Vgg19_bn": DNNBrainNetwork("vgg19_bn", "vgg19_bn.pth"),
    "VggFace": DNNBrainNetwork("", "vgg_face_dag.pth"),
}
"""DNNBrain's networks by name, as DNNBrain spells them; in another spelling, a name means torchvision's network."""

NAMES = {
    "torch": (*DNNBRAIN, *EMBEDDED_WEIGHTS, *TORCHVISION, *TORCHVISION_SEGMENTATION, *TORCHVISION_VIDEO),
    "tf": (*EMBEDDED_WEIGHTS, *KERAS),
}
"""Framework -> names of its networks."""


def checked_name(name: Any) -> str:
    """Return the option ``net`` as a string; a path is accepted."""
    text = os.fspath(name) if isinstance(name, os.PathLike) else name
    if not isinstance(text, str) or not text or "\0" in text:
        raise InputError(f"`net` (={shown(name)}) must be the name of a network or a path, without the character NUL")
    return text


def normalize_name(name: str) -> str:
    """Return a name in lower case without hyphens and underscores, for comparing spellings.

    Underscores between digits are kept: regnet_x_1_6gf is not regnet_x_16gf.
    """
    return re.sub(r"(?<!\d)_|_(?!\d)", "", name.lower().replace("-", "_"))


def find_name(name: str, framework: str) -> str | None:
    """Return the canonical name of a network, or None if the framework has no network of this name.

    Exact spellings take precedence: ``Vgg11`` is DNNBrain's network, and any other spelling of it is torchvision's.
    """
    if name in NAMES[framework]:
        return name
    return {normalize_name(canonical): canonical for canonical in NAMES[framework]}.get(normalize_name(name))


def raise_unknown_name(name: str, framework: str) -> NoReturn:
    """Raise the error for a name that a framework does not have.

    Raises:
        InputError: always; the message contains the framework that has the network, or the nearest names.
    """
    for other in NAMES:
        if other != framework and (canonical := find_name(name, other)):
            raise InputError(
                f"`net` (={name!r}) is not in `framework` (={framework!r}): give {other!r}, which has {canonical}"
            )
    suggestions = _nearest_names(name, framework)
    if name.endswith(".py"):
        suggestions = [f"{name}:function, with the name of a function in it"]
    hint = f"nearest: {', '.join(suggestions)}" if suggestions else f"such as {', '.join(NAMES[framework][:4])}"
    forms = (
        "timm/name, hf/name or open_clip/name, a file that ends in .keras, .h5, .pt or .pt2, package.module:function or "
        "file.py:function"
    )
    raise InputError(f"`net` (={shown(name)}) must be a network's name, {forms}; {hint}")


def _nearest_names(name: str, framework: str) -> list[str]:
    """Return up to four similar names of all frameworks; a name that several have is taken from ``framework``."""
    frameworks = (*(set(NAMES) - {framework}), framework)
    candidates = {normalize_name(each): (each, home) for home in frameworks for each in reversed(NAMES[home])}
    nearest = [candidates[key] for key in difflib.get_close_matches(normalize_name(name), candidates, n=4, cutoff=0.6)]
    return [each if home == framework else f"{each} (framework {home!r})" for each, home in nearest]
