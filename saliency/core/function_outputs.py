"""What a function returned: copies of its arrays, and the check that a class can be read from them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from saliency.core.errors import ModelError


def copy_outputs(outputs: Any) -> Any:
    """Copy arrays of any library to NumPy arrays; leave everything else unchanged."""
    if isinstance(outputs, Mapping):
        return {name: copy_outputs(one) for name, one in outputs.items()}
    if isinstance(outputs, list | tuple) and any(len(getattr(one, "shape", ())) > 1 for one in outputs):
        return [copy_outputs(one) for one in outputs]  # several outputs, (N, ...) each
    array = np.asarray(outputs)  # not np.array, for which Torch's tensors warn
    return outputs if array.dtype == object else array.copy()


def check_numbers(outputs: Any) -> None:
    """Check that outputs are one array of numbers.

    Raises:
        ModelError: if they are anything else.
    """
    if isinstance(outputs, np.ndarray) and outputs.dtype.kind in "buif":
        return
    kind = f"an array of {outputs.dtype}" if isinstance(outputs, np.ndarray) else f"a {type(outputs).__name__}"
    raise ModelError(
        f"the function returned {kind}; explaining a class needs one array of numbers (N, classes): return one, or "
        "pass `y` as a callable that reads its score from the outputs"
    )
