"""The adapter of a TensorFlow 1 graph and its session."""
