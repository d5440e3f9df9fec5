"""In-place ReLUs of views, written so that autograd shows them."""

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

PLAIN: dict[str, Callable[..., torch.Tensor]] = {
    "relu": functional.relu,
    "relu6": functional.relu6,
    "hardtanh": functional.hardtanh,
    "threshold": functional.threshold,
    "clamp": torch.clamp,
    "clamp_min": torch.clamp_min,
    "clip": torch.clip,
}
"""What a call in place is called without its underscores -> the same, not in place."""


class InPlaceOnViews(TorchFunctionMode):
    """Run an in-place ReLU of a view as a ReLU and a copy: the same numbers, and a ReLU's node in the graph.

    Autograd would put the node inside a ``CopySlices`` node, which nothing can look into. A TorchScript interpreter calls no
    Torch function, so its models are out of reach; exported ones are not.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = str(getattr(func, "__name__", "")).partition(".")[0]  # an exported module calls relu_.default
        plain = PLAIN.get(name.strip("_")) if name.endswith("_") or kwargs.get("inplace") else None
        inputs = args[:1] or (kwargs.get("input"),)
        if plain is None or not isinstance(inputs[0], torch.Tensor) or not inputs[0]._is_view():
            return func(*args, **kwargs)
        kwargs = {key: value for key, value in kwargs.items() if key not in ("inplace", "input")}
        return inputs[0].copy_(plain(inputs[0].clone(), *args[1:], **kwargs))  # a clone: the backward pass needs the input
