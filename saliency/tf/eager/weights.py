"""The weights of a Keras model or a ``tf.Module`` as NumPy arrays."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt


def named_weights(adapter: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the variables of an adapter's model, named by their position and path."""
    model = adapter.model
    variables: Any = getattr(model, "weights", None) or getattr(model, "variables", ())
    for i, variable in enumerate(variables):
        yield f"{i:06d} {getattr(variable, 'path', variable.name)}", np.asarray(variable)
