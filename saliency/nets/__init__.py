"""Networks by name: their layers, their preprocessing, their weights."""

from saliency.nets.network import Network
from saliency.nets.registry import load

__all__ = ["Network", "load"]
