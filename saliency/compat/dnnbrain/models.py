"""DNNBrain's networks by their class names."""

from abc import ABC
from pathlib import Path
from typing import Any, final

from PIL import Image

from saliency import nets
from saliency.core.errors import InputError


class DNN(ABC):  # noqa: B024 - nothing of it is left open but its name, which is the network's
    """A network with DNNBrain's attributes. A network of your own needs no base: an object with these attributes will do.

    Attributes: ``model``, a Torch module in eval mode; ``layer2loc``, name of a layer -> names of the modules on the way to
    it; ``layers``, these names in order; ``img_size``, (height, width) of its input in pixels; ``test_transform``, from a
    picture to a tensor (3, height, width).

    Args:
        pretrained: whether it gets weights, or keeps Torch's random ones.
        weights: their file, safetensors or a plain state dict; None looks into ``$DNNBRAIN_DATA/models`` and torchvision's
            cache, and downloads torchvision's else.

    Raises:
        InputError: if the weights are missing or do not fit.
        ModelError: if Torch or torchvision is not installed.
    """

    def __init__(self, pretrained: bool = True, weights: str | Path | None = None) -> None:
        if not pretrained and weights is not None:
            raise InputError(f"`weights` (={str(weights)!r}) must be None where `pretrained` is False")
        name = type(self).__name__
        self._network = nets.load(name, weights) if pretrained else nets.unfilled(name)
        from saliency.nets.layer_names import dnnbrain_layers  # of Torch, which is there by now

        self.model = self._network.model
        self.layer2loc = {layer: tuple(path.split(".")) for layer, path in dnnbrain_layers(self.model).items()}
        self.layers = list(self.layer2loc)
        self.img_size = self._network.size

    def test_transform(self, picture: Image.Image) -> Any:
        """Turn a picture of any size and mode into an input, a tensor (3, height, width) without a batch axis."""
        import torch

        return torch.from_numpy(self._network.prepare(picture))

    def layer2module(self, layer: str) -> Any:
        """Return a layer's module.

        Raises:
            KeyError: if there is no such layer, as DNNBrain's does.
        """
        return self.model.get_submodule(".".join(self.layer2loc[layer]))

    def eval(self) -> "DNN":
        """Set the model to eval mode."""
        self.model.eval()
        return self

    def __call__(self, inputs: Any) -> Any:
        """Run the model on (N, 3, height, width)."""
        return self.model(inputs)


@final
class AlexNet(DNN):
    """AlexNet: conv1 to fc3, 1,000 classes."""


@final
class VggFace(DNN):
    """VGG-Face: conv1_1 to fc8, 2,622 people."""


@final
class Vgg11(DNN):
    """VGG with 11 layers: conv1 to fc3, 1,000 classes."""


@final
class Vgg19_bn(DNN):  # noqa: N801 - DNNBrain's spelling
    """VGG with 19 layers and batch normalisation: conv1 to fc3, 1,000 classes; conv1_bn and conv1_relu are what they say."""


@final
class Googlenet(DNN):
    """GoogLeNet: conv1 to fc, 1,000 classes."""


@final
class Resnet152(DNN):
    """ResNet with 152 layers: conv to fc, 1,000 classes."""


@final
class InceptionV3(DNN):
    """Inception v3: conv1 to fc, 1,000 classes, for pictures of 299 pixels."""
