"""The weights of a Keras model or a ``tf.Module`` as NumPy arrays."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.expected_input import NormalizedLayer
from saliency.core.keras import batch_norm as keras_batch_norm
from saliency.core.keras.layers import is_keras, layers_of


def named_weights(adapter: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the variables of an adapter's model, named by their position and path."""
    for name, variable in _named_variables(adapter.model):
        yield name, np.asarray(variable)


def set_weights(adapter: Any, weights: Mapping[str, npt.NDArray[Any]]) -> None:
    """Change some of the variables of an adapter's model."""
    for name, variable in _named_variables(adapter.model):
        if name in weights:
            variable.assign(weights[name])


def _named_variables(model: Any) -> Iterator[tuple[str, Any]]:
    variables: Any = getattr(model, "weights", None) or getattr(model, "variables", ())
    for i, variable in enumerate(variables):
        yield f"{i:06d} {getattr(variable, 'path', variable.name)}", variable


def first_batch_norm(adapter: Any) -> NormalizedLayer | None:
    """Return the first batch normalization of an adapter's Keras model with the statistics of its training."""
    return keras_batch_norm.first_batch_norm(layers_of(adapter.model)) if is_keras(adapter.model) else None
