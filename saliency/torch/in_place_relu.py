"""Replace in-place ReLUs of views, so that autograd records them as ReLUs."""

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

OUT_OF_PLACE: dict[str, Callable[..., torch.Tensor]] = {
    "relu": functional.relu,
    "relu6": functional.relu6,
    "hardtanh": functional.hardtanh,
    "threshold": functional.threshold,
    "clamp": torch.clamp,
    "clamp_min": torch.clamp_min,
    "clip": torch.clip,
}
"""Name of an in-place function without its underscore -> the function that does not work in place."""


class InPlaceReluMode(TorchFunctionMode):
    """Run an in-place ReLU of a view as a ReLU and a copy: the same numbers, with a ReLU node in the graph.

    Autograd would put the node inside a ``CopySlices`` node, which cannot be inspected. The TorchScript interpreter calls no
    Torch functions, so this mode does not reach traced and scripted models; it does reach exported ones.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = str(getattr(func, "__name__", "")).partition(".")[0]  # an exported module calls relu_.default
        replacement = OUT_OF_PLACE.get(name.strip("_")) if name.endswith("_") or kwargs.get("inplace") else None
        inputs = args[:1] or (kwargs.get("input"),)
        if replacement is None or not isinstance(inputs[0], torch.Tensor) or not inputs[0]._is_view():
            return func(*args, **kwargs)
        kwargs = {key: value for key, value in kwargs.items() if key not in ("inplace", "input")}
        result = replacement(inputs[0].clone(), *args[1:], **kwargs)  # a clone, because the backward pass needs the input
        return inputs[0].copy_(result)
