"""Numerical methods that are independent of masks: quadrature, resampling, splines, moments, windows."""
