"""PAIR's ``saliency.metrics``: performance information curves, in ``pic``."""
