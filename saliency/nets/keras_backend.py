"""Keras, where it is on TensorFlow."""

from typing import Any

from saliency.core.errors import ModelError


def keras_on_tensorflow() -> Any:
    """Return the module ``keras``.

    Raises:
        ModelError: if Keras is on another backend than TensorFlow.
    """
    import keras

    if (backend := keras.config.backend()) != "tensorflow":
        raise ModelError(f"`framework` (='tf') needs Keras on TensorFlow; it is on {backend}: set KERAS_BACKEND=tensorflow")
    return keras
