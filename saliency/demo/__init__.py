"""Bundled networks, scenes with known objects, and the demo ``python -m saliency.demo``."""
