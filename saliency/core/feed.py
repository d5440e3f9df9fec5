"""The model's other inputs, as the user passed them in ``feed_dict``."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from saliency.core.adapter import GradientAdapter
from saliency.core.errors import InputError
from saliency.core.validation import as_index, has_batch_axis, shown


def checked_feed(adapter: GradientAdapter, feed_dict: Any) -> dict[str, Any]:
    """Return ``feed_dict`` as a dictionary. Lists of numbers become arrays; all other values stay as they are.

    Raises:
        InputError: if it is not a mapping.
    """
    if not isinstance(feed_dict, Mapping | None):
        is_class = as_index(feed_dict) is not None
        hint = f". The target goes to the constructor: Vanilla(model, {shown(feed_dict)})" if is_class else ""
        raise InputError(f"`feed_dict` ({type(feed_dict).__name__}) must be a mapping from names of inputs to values{hint}")
    return {name: _list_as_array(value, adapter.feed_kinds) for name, value in (feed_dict or {}).items()}


def single_feed(adapter: GradientAdapter, feed_dict: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the other inputs of one sample on the device, with a batch axis."""
    feed = {name: adapter.asfeed(value, name) for name, value in checked_feed(adapter, feed_dict).items()}
    return {name: value[None] if has_batch_axis(value) else value for name, value in feed.items()}


def _list_as_array(value: Any, kinds: str) -> Any:
    if not isinstance(value, list) or not value:
        return value
    try:
        array = np.array(value)
    except (TypeError, ValueError, RuntimeError):  # rows of different lengths, or arrays of a device
        return value
    if array.dtype.kind in "US" and not all(isinstance(one, str | bytes) for one in np.array(value, object).flat):
        return value  # NumPy turns numbers beside texts into texts
    return array if array.dtype.kind in kinds else value
