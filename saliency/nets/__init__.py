"""Load networks by name, with their layer names, preprocessing and weights."""

from saliency.nets.frameworks import FRAMEWORKS
from saliency.nets.network import Network
from saliency.nets.registry import load, of_object, unfilled, untrained

__all__ = ["FRAMEWORKS", "Network", "load", "of_object", "unfilled", "untrained"]
