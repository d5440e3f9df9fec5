"""keras-vis's package path: its imports ``from vis.x import y`` become ``from saliency.compat.vis.x import y``."""
