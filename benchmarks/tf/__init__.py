"""Benchmarks of the TensorFlow adapters."""
