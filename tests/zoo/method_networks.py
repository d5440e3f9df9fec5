"""The 30 networks on which methods are compared with explicit references, and their layers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.zoo.catalog import DINO, FEW, SMALL, SMALL_BEIT
from tests.zoo.network import CLASSES, Network, Size

SIZE: Size = (64, 96)


@dataclass(frozen=True, eq=False)
class Case:
    """A network and the layer of its class activation map.

    Args:
        network: how it is built.
        layer: name of the layer.
        layout: how its output holds the grid: "channels first", "channels last", or "tokens" (N, tokens, channels).
        left_out: number of tokens before the grid.
        grid: rows and columns of tokens.
        argument: name of the argument that is explained; None for the first one.
    """

    network: Network
    layer: str
    layout: str = "channels first"
    left_out: int = 0
    grid: Size = (4, 6)
    argument: str | None = None

    def build(self) -> Any:
        """Return the network; networks of transformers return an object with several outputs."""
        if self.network.library != "transformers":
            return self.network.build(SIZE)
        import torch
        import transformers

        from tests.zoo.torch_builders import finished, normalize

        torch.manual_seed(0)
        kind = getattr(transformers, self.network.name)
        config = kind.config_class(**self.network.options, num_labels=CLASSES)
        if self.network.size_option:
            setattr(config, self.network.size_option, SIZE)
        model = finished(kind(config), {})
        normalize(model, np.random.default_rng(3).normal(size=(2, *SIZE, 3)))
        return model


def _timm(name: str, layer: str, *place: Any, sized: bool = False, **options: object) -> Case:
    return Case(Network(name, "timm", "", size_option="img_size" if sized else None, options=options), layer, *place)


def _transformers(
    name: str, layer: str, *place: Any, sized: bool = False, argument: str | None = None, **options: Any
) -> Case:
    network = Network(
        f"{name}ForImageClassification", "transformers", "", size_option="image_size" if sized else None, options=options
    )
    return Case(network, layer, *place, argument=argument)


def _torchvision(name: str, layer: str) -> Case:
    return Case(Network(name, "torchvision", ""), layer)


def _keras(name: str, layer: str) -> Case:
    return Case(Network(name, "keras", ""), layer, "channels last")


CASES = (
    _timm("resnet18", "layer4"),
    _timm("vit_tiny_patch16_224", "blocks.3.norm1", "tokens", 1, sized=True, **FEW),
    _timm("deit_tiny_distilled_patch16_224", "blocks.3.norm1", "tokens", 2, sized=True, **FEW),
    _timm("vit_small_patch14_reg4_dinov2", "blocks.2.norm1", "tokens", 5, sized=True, depth=3),
    _timm("beit_base_patch16_224", "blocks.2.norm1", "tokens", 1, sized=True, **SMALL_BEIT),
    _timm("swin_tiny_patch4_window7_224", "layers.2", "channels last", sized=True),
    _timm("convnext_atto", "stages.2"),
    _timm("pvt_v2_b0", "stages.2"),
    _timm("mobilevit_xxs", "final_conv"),
    _timm("poolformer_s12", "stages.2"),
    _timm("mambaout_femto", "stages.2", "channels last"),
    _timm("efficientformerv2_s0", "stages.2", sized=True),
    _transformers("ViT", "vit.layers.2.layernorm_before", "tokens", 1, sized=True, **SMALL),
    _transformers("DeiT", "deit.layers.2.layernorm_before", "tokens", 2, sized=True, argument="pixel_values", **SMALL),
    _transformers("Beit", "beit.layers.2.layernorm_before", "tokens", 1, sized=True, **SMALL),
    _transformers("Dinov2", "dinov2.encoder.layer.2.norm1", "tokens", 1, (4, 6), **DINO),
    _transformers("Swinv2", "swinv2.encoder.layers.2.blocks.0.layernorm_after", "tokens", sized=True),
    _transformers("ConvNextV2", "convnextv2.encoder.stages.2", argument="pixel_values"),
    _transformers("Segformer", "segformer.stages.3"),
    _transformers("ResNet", "resnet.encoder.stages.3", argument="pixel_values"),
    _torchvision("resnet18", "layer3"),
    _torchvision("mobilenet_v3_small", "features.8"),
    _torchvision("densenet121", "features.denseblock3"),
    _torchvision("efficientnet_b0", "features.5"),
    _torchvision("convnext_tiny", "features.5"),
    _torchvision("shufflenet_v2_x0_5", "stage3"),
    _keras("MobileNetV2", "block_13_expand_relu"),
    _keras("EfficientNetB0", "block6a_expand_activation"),
    _keras("DenseNet121", "pool4_relu"),
    _keras("ResNet50V2", "conv4_block6_1_relu"),
)
