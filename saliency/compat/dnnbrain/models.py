"""DNNBrain's networks, under its class names."""

from abc import ABC
from pathlib import Path
from typing import Any, final

from PIL import Image

from saliency import nets
from saliency.core.errors import InputError


class DNN(ABC):  # noqa: B024 - a subclass defines only its name, which selects the network
    """Load a network and provide DNNBrain's attributes for it.

    A user-defined network does not need this base class: any object with these attributes is accepted.

    Attributes: ``model``, a Torch module in eval mode; ``layer2loc``, name of a layer -> names of the modules on the path to
    it; ``layers``, the names in order; ``img_size``, (height, width) of the input in pixels; ``test_transform``, a function
    from a PIL image to a tensor (3, height, width).

    Args:
        pretrained: load weights; otherwise keep Torch's random initialization.
        weights: file of the weights, safetensors or a plain state dict. None searches ``$DNNBRAIN_DATA/models`` and
            torchvision's cache, then downloads torchvision's weights.

    Raises:
        InputError: if the weights are missing or do not match the network.
        ModelError: if Torch or torchvision is not installed.
    """

    def __init__(self, pretrained: bool = True, weights: str | Path | None = None) -> None:
        if not pretrained and weights is not None:
            raise InputError(f"`weights` (={str(weights)!r}) must be None if `pretrained` is False")
        name = type(self).__name__
        self._network = nets.load(name, weights) if pretrained else nets.unfilled(name)
        from saliency.nets.layer_names import dnnbrain_layers  # imports Torch, which is loaded by now

        self.model = self._network.model
        self.layer2loc = {layer: tuple(path.split(".")) for layer, path in dnnbrain_layers(self.model).items()}
        self.layers = list(self.layer2loc)
        self.img_size = self._network.size

    def test_transform(self, picture: Image.Image) -> Any:
        """Convert a PIL image of any size and mode to an input tensor (3, height, width), without a batch axis."""
        import torch

        return torch.from_numpy(self._network.prepare(picture))

    def layer2module(self, layer: str) -> Any:
        """Return a layer's module.

        Raises:
            KeyError: if there is no such layer, as in DNNBrain.
        """
        return self.model.get_submodule(".".join(self.layer2loc[layer]))

    def eval(self) -> "DNN":
        """Set the model to eval mode."""
        self.model.eval()
        return self

    def __call__(self, inputs: Any) -> Any:
        """Run the model on a batch (N, 3, height, width)."""
        return self.model(inputs)


@final
class AlexNet(DNN):
    """AlexNet: conv1 to fc3, 1,000 classes."""


@final
class VggFace(DNN):
    """VGG-Face: conv1_1 to fc8, 2,622 identities."""


@final
class Vgg11(DNN):
    """VGG with 11 layers: conv1 to fc3, 1,000 classes."""


@final
class Vgg19_bn(DNN):  # noqa: N801 - DNNBrain's spelling
    """VGG with 19 layers and batch normalization: conv1 to fc3, 1,000 classes, with layers such as conv1_bn and conv1_relu."""


@final
class Googlenet(DNN):
    """GoogLeNet: conv1 to fc, 1,000 classes."""


@final
class Resnet152(DNN):
    """ResNet with 152 layers: conv to fc, 1,000 classes."""


@final
class InceptionV3(DNN):
    """Inception v3: conv1 to fc, 1,000 classes, for images of 299 x 299 pixels."""
