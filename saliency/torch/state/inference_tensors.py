"""Replace tensors that were created under ``torch.inference_mode()``, which a graph does not accept."""

from operator import is_not
from typing import Any

import torch


def without_inference_tensors(value: Any) -> Any:
    """Return a value with copies of such tensors; also if it is a tuple that holds them."""
    if isinstance(value, torch.Tensor):
        return value.clone() if value.is_inference() else value
    if isinstance(value, tuple):
        elements = [without_inference_tensors(each) for each in value]
        if any(map(is_not, elements, value)):
            return type(value)(*elements) if hasattr(value, "_fields") else type(value)(elements)
    return value
