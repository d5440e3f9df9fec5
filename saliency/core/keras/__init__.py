"""Layers and inputs of Keras models, which are the same on every backend; Keras itself is not imported."""
