"""Regions of an image: labels, segmentation, coalitions with the score that they have, and growth into a map."""
