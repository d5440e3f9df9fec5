"""Import Keras and check its backend."""

from typing import Any

from saliency.core.errors import ModelError


def import_keras() -> Any:
    """Import Keras, which must use the TensorFlow backend.

    Returns:
        The module ``keras``.

    Raises:
        ModelError: if Keras uses another backend than TensorFlow.
    """
    import keras

    if (backend := keras.config.backend()) != "tensorflow":
        raise ModelError(f"`framework` (='tf') needs Keras on TensorFlow, not on {backend}: set KERAS_BACKEND=tensorflow")
    return keras
