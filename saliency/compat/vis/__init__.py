"""keras-vis's package layout: replace ``from vis.x import y`` by ``from saliency.compat.vis.x import y``."""
