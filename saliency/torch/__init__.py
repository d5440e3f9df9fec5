"""Torch: ``saliency.wrap`` comes here for modules and exported programs."""

from saliency.torch.adapter import TorchAdapter, adapt

__all__ = ["TorchAdapter", "adapt"]
