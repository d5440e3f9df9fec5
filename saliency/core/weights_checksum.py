"""Identify the weights of a model by a checksum that does not depend on the format of their file."""

import hashlib

import numpy as np

from saliency.core.adapter import GradientAdapter


def weights_checksum(adapter: GradientAdapter) -> str | None:
    """Return the SHA-256 of a model's weights: of their names, types, shapes and values, in the order of the names.

    Args:
        adapter: the model's adapter.

    Returns:
        64 hexadecimal digits. None if the model has no weights that can be read, as a plain function.
    """
    digest, empty = hashlib.sha256(), True
    try:
        for name, values in sorted(adapter.named_weights(), key=lambda pair: pair[0]):
            digest.update(f"{name} {values.dtype} {values.shape};".encode())
            digest.update(np.ascontiguousarray(values).tobytes())
            empty = False
    except Exception:  # a weight without values, such as an uninitialized variable, in whatever framework
        return None
    return None if empty else digest.hexdigest()
