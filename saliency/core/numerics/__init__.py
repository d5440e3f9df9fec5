"""Numerical methods that depend on no mask: quadrature, resampling, splines, moments, windows."""
