"""Regions of an image: segmentation, overlapping segments, and their growth into a map."""
