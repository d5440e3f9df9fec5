"""Compute masks on a cluster with Ray Data. Only this package imports Ray, and only when one of its functions needs it."""

from saliency.ray.cluster import Cluster, connect
from saliency.ray.map_files import write_maps
from saliency.ray.masks import Masks
from saliency.ray.pieces import compute_pieces
from saliency.ray.stimuli import read_stimuli

__all__ = ["Cluster", "Masks", "compute_pieces", "connect", "read_stimuli", "write_maps"]
