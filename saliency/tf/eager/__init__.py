"""The adapter of what TensorFlow runs eagerly: Keras models, functions, modules and SavedModels."""
