"""Build networks of timm, torchvision and transformers with random weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tests.torchvision_ops import declare
from tests.zoo.network import CLASSES, Network, Size

declare()


class Logits(torch.nn.Module):
    """Return the logits of a network of transformers, which returns an object with several outputs.

    The logits of a network without a pooled output are those of its first token.

    Args:
        model: the network.
        head: a layer from the pooled output to the logits, for a network without a classifier.
    """

    def __init__(self, model: torch.nn.Module, head: torch.nn.Module | None = None) -> None:
        super().__init__()
        self.model, self.head = model, head

    def forward(self, pixels: torch.Tensor) -> Any:
        """Return the logits (N, classes)."""
        output = self.model(pixels)
        if self.head is None:
            return output.logits
        pooled = getattr(output, "pooler_output", None)
        return self.head(output.last_hidden_state[:, 0] if pooled is None else pooled)


def build(network: Network, size: Size) -> torch.nn.Module:
    """Build a network of any of the three libraries."""
    builders = {"timm": build_timm, "torchvision": build_torchvision, "transformers": build_transformers}
    return builders[network.library](network, size)


def build_timm(network: Network, size: Size) -> torch.nn.Module:
    """Build a network of timm."""
    import timm

    torch.manual_seed(0)
    options = {network.size_option: size} if network.size_option else {}
    model = timm.create_model(network.name, pretrained=False, num_classes=CLASSES, **network.options, **options)
    return finished(model, network.fixed)


def build_torchvision(network: Network, size: Size) -> torch.nn.Module:
    """Build a network of torchvision."""
    import torchvision

    torch.manual_seed(0)
    options = {network.size_option: size} if network.size_option else {}
    model = torchvision.models.get_model(network.name, weights=None, num_classes=CLASSES, **network.options, **options)
    return finished(model, network.fixed)


def build_transformers(network: Network, size: Size) -> torch.nn.Module:
    """Build a network of transformers; ``name`` is that of its class."""
    import transformers

    torch.manual_seed(0)
    kind = getattr(transformers, network.name)
    config = kind.config_class(**network.options, num_labels=CLASSES)
    if network.size_option:
        setattr(config, network.size_option, size)
    model = kind(config)
    is_classifier = network.name.endswith("ForImageClassification")
    head = None if is_classifier else torch.nn.Linear(config.hidden_size, CLASSES)
    return finished(Logits(model, head), network.fixed)


def run(model: torch.nn.Module, pictures: npt.NDArray[np.float64]) -> None:
    """Run a network on pictures (N, height, width, 3)."""
    with torch.no_grad():
        model(torch.tensor(pictures).permute(0, 3, 1, 2))


def finished(model: torch.nn.Module, fixed: Mapping[str, tuple[float, float]]) -> torch.nn.Module:
    """Return a network with 64-bit weights, in evaluation mode, and no constant weights.

    Initial values such as a head of zeros or a scale of 1e-6 of each block would hide most of the network from the score.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if name.rpartition(".")[2] in fixed:
                first, others = fixed[name.rpartition(".")[2]]
                weights.fill_(others)
                weights[..., 0] = first
            elif bool((weights == weights.flatten()[0]).all()):
                weights.add_(0.1 * torch.randn(weights.shape, generator=generator))
    return model.double().eval()


def normalize(model: torch.nn.Module, pictures: npt.NDArray[np.float64]) -> None:
    """Set the statistics of batch normalization to those of some pictures; behind others, random weights vanish or explode."""
    norms = [one for one in model.modules() if isinstance(one, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    run(model, pictures)
    model.eval()
