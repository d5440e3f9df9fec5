"""Benchmarks of the Torch adapter."""
