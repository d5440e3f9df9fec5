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
        in_place, inputs = name.endswith("_") or bool(kwargs.get("inplace")), args[:1] or (kwargs.get("input"),)
        named = dict(zip(("input", "threshold", "value"), args, strict=False)) | kwargs
        if name.strip("_") == "threshold" and named.get("value") and isinstance(inputs[0], torch.Tensor):
            return _threshold(inputs[0], named["threshold"], named["value"], in_place)
        replacement = OUT_OF_PLACE.get(name.strip("_")) if in_place else None
        if replacement is None or not isinstance(inputs[0], torch.Tensor) or not inputs[0]._is_view():
            return func(*args, **kwargs)
        kwargs = {key: value for key, value in kwargs.items() if key not in ("inplace", "input")}
        result = replacement(inputs[0].clone(), *args[1:], **kwargs)  # a clone, because the backward pass needs the input
        return inputs[0].copy_(result)


def _threshold(x: torch.Tensor, threshold: float, value: float, in_place: bool) -> torch.Tensor:
    """Return the function of ``nn.Threshold`` for a value other than 0: no ReLU, although its usual node looks like one."""
    result = torch.where(x <= threshold, value, x.clone() if in_place else x)
    return x.copy_(result) if in_place else result
