"""Which layers a user may have meant by a name that the model does not have."""

import difflib
from collections.abc import Iterable
from typing import Any

from saliency.core.validation import shown

MAX_LISTED = 8


def layer_hint(name: Any, layers: Iterable[str]) -> str:
    """Return the nearest names of layers; if none is near, the layers, or the last ones of many.

    Args:
        name: what the user passed as the name of a layer.
        layers: the names of the model's layers.
    """
    names, text = list(layers), name if isinstance(name, str) else shown(name)
    if not isinstance(name, str) and text in names:
        return f'nearest: "{text}"; the name of a layer is a string'
    near = difflib.get_close_matches(text, names, n=3, cutoff=0.3)
    if near:
        return f"nearest: {', '.join(near)}"
    if len(names) > MAX_LISTED:
        return f"the last ones are {', '.join(names[-3:])}"
    return f"they are {', '.join(names)}" if names else "none has a name"
