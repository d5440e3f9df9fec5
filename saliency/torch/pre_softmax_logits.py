"""Record the logits before a model's softmax or sigmoid during a forward pass."""

import inspect
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeAlias

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import CheckpointFunction
from torch.utils.weak import WeakIdKeyDictionary

from saliency.core.errors import LogitWarning, ModelError
from saliency.core.score_reading import LOGITS_NOT_FOUND
from saliency.core.warnings import warn

PROBABILITY_OPERATORS = {"_softmax", "softmax", "_log_softmax", "log_softmax", "sigmoid", "sigmoid_", "log_sigmoid_forward"}
RESHAPE_OPERATORS = {
    "view", "_unsafe_view", "reshape", "squeeze", "unsqueeze", "flatten", "permute", "transpose", "t", "movedim", "expand",
    "select", "slice", "clone", "contiguous", "alias", "_to_copy", "to",
}  # fmt: skip
ELEMENTWISE_OPERATORS = {
    "add",
    "cat",
    "clamp",
    "div",
    "exp",
    "index",
    "log",
    "mul",
    "nantonum",
    "neg",
    "split",
    "stack",
    "sub",
}

CUSTOM_FUNCTION_CALL = inspect.unwrap(torch.autograd.Function.apply.__func__).__code__  # type: ignore[attr-defined]

Reshape: TypeAlias = Callable[[torch.Tensor], torch.Tensor]


class LogitRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call] # Torch leaves its hooks untyped
    """Record the input of each softmax and sigmoid, and the reshapes that follow it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._sources: WeakIdKeyDictionary = WeakIdKeyDictionary()  # probabilities -> their logits, and the reshapes since
        self._modified: WeakIdKeyDictionary = WeakIdKeyDictionary()  # a tensor computed from probabilities -> True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would import Torch's compiler, which takes seconds; compiled code runs eagerly here anyway

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in PROBABILITY_OPERATORS and not _is_inside_custom_function():
            output = result[0] if isinstance(result, tuple) else result
            self._sources[output] = (None if output is args[0] else args[0], ())
        elif name in RESHAPE_OPERATORS and isinstance(args[0], torch.Tensor) and args[0] in self._sources:
            logits, reshapes = self._sources[args[0]]
            self._sources[result] = (logits, (*reshapes, _make_reshape(func, name, args[1:], kwargs or {})))
        elif name.replace("_", "") in ELEMENTWISE_OPERATORS or name in RESHAPE_OPERATORS:
            self._record_arithmetic(name, args, result)
        return result

    def _record_arithmetic(self, name: str, args: tuple[Any, ...], result: Any) -> None:
        flat = [one for arg in args for one in (arg if isinstance(arg, list | tuple) else [arg])]
        tensors = [one for one in flat if isinstance(one, torch.Tensor)]
        is_unary = len(tensors) == 1 or name in ("cat", "stack")  # a product of a gate and its signal is no probability
        if is_unary and any(one in self._sources or one in self._modified for one in tensors):
            for output in result if isinstance(result, list | tuple) else [result]:
                self._modified[output] = True

    def source_of(self, output: Any) -> torch.Tensor | None:
        """Return the input of the softmax or sigmoid that produced an output; reshaped versions have the same source."""
        return self._sources[output][0] if isinstance(output, torch.Tensor) and output in self._sources else None

    def logits_of(self, output: Any) -> Any:
        """Return the logits of an output, or the output itself if it does not come from a softmax or sigmoid.

        Warns if arithmetic follows the softmax or sigmoid.

        Raises:
            ModelError: if the logits were overwritten.
        """
        if isinstance(output, torch.Tensor) and output in self._modified:
            warn(LOGITS_NOT_FOUND, LogitWarning)
        if not isinstance(output, torch.Tensor) or output not in self._sources:
            return output
        logits, reshapes = self._sources[output]
        if logits is None:
            raise ModelError(
                "the model's softmax or sigmoid works in place and overwrites its logits: pass logits=False to explain the "
                "probability, or replace it by the version that does not work in place"
            )
        for reshape in reshapes:
            logits = reshape(logits)
        return logits


def _is_inside_custom_function() -> bool:
    """Return whether the forward method of a ``torch.autograd.Function`` runs; its graph does not contain the logits."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not CUSTOM_FUNCTION_CALL:
        frame = frame.f_back
    return frame is not None and frame.f_locals["cls"] is not CheckpointFunction


def _make_reshape(func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Reshape:
    if name in ("view", "_unsafe_view"):  # the logits' memory layout may not allow the view that the softmax's allows
        return lambda logits: logits.reshape(args[0])
    return lambda logits: func(logits, *args, **kwargs)
