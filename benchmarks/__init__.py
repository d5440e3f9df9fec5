"""Measurements: ratios of times taken side by side in one run."""
