"""The logits in front of a model's last softmax or sigmoid, found in its forward pass, however that was called."""

import re
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from saliency.core.errors import LogitWarning, ModelError
from saliency.core.score_reading import LOGITS_NOT_FOUND
from saliency.core.warnings import warn

SQUASHING = {"_softmax", "softmax", "_log_softmax", "log_softmax", "sigmoid", "sigmoid_", "log_sigmoid_forward"}
RESHAPING = {
    "view", "_unsafe_view", "reshape", "squeeze", "unsqueeze", "flatten", "permute", "transpose", "t", "movedim", "expand",
    "select", "slice", "clone", "contiguous", "alias", "_to_copy", "to",
}  # fmt: skip
RESHAPES = {name.replace("_", "") for name in RESHAPING}
"""The same, as a graph's nodes call them."""

BACKWARD = re.compile(r"Backward\d*$")
ELEMENTWISE = {"add", "cat", "clamp", "div", "exp", "index", "log", "mul", "nantonum", "neg", "split", "stack", "sub"}
UNKNOWN = {"compiledfunction", "differentiablegraph"}

ROUNDING = 0.01
"""Of a half-precision softmax at most."""

Step: TypeAlias = Callable[[torch.Tensor], torch.Tensor]


def ending(output: Any) -> Literal["squashed", "hidden"] | None:
    """Tell from its graph how an output was made.

    Returns:
        ``squashed`` by a softmax or sigmoid, reshaped and cast since or not; ``hidden`` if arithmetic came after one, or the
        graph can't be read; None for any other end.
    """
    node, through = getattr(output, "grad_fn", None), False
    while node is not None:
        name = BACKWARD.sub("", node.name()).rpartition("::")[-1].lower()
        if name in ("softmax", "logsoftmax", "sigmoid", "logsigmoid"):
            return "hidden" if through else "squashed"
        if name in UNKNOWN:
            return "hidden"
        parents = {parent for parent, _ in node.next_functions if parent is not None}
        if name in ELEMENTWISE and (len(parents) == 1 or name in ("cat", "stack")):
            through = True
        elif name not in RESHAPES:
            return None
        node = node.next_functions[0][0] or next(iter(parents), None)
    return None


def is_beyond(output: Any) -> bool:
    """Tell whether an output holds numbers that no softmax or sigmoid gives, nor the logarithm of one."""
    if not isinstance(output, torch.Tensor) or not output.is_floating_point() or not output.numel():
        return False
    low, high = (float(end) for end in output.detach().aminmax())
    return high > ROUNDING and (high > 1 + ROUNDING or low < -ROUNDING)


class Logits(TorchDispatchMode):  # type: ignore[no-untyped-call] # Torch leaves its hooks untyped
    """Remember, for every tensor that a softmax or sigmoid made, what went into it, and how it was reshaped since."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._before: WeakIdKeyDictionary = WeakIdKeyDictionary()  # a tensor -> its logits, and the steps since
        self._changed: WeakIdKeyDictionary = WeakIdKeyDictionary()  # a tensor that arithmetic made of one of these -> True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would import Torch's compiler, which takes seconds; compiled code runs eagerly here anyway

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in SQUASHING:
            made = result[0] if isinstance(result, tuple) else result
            self._before[made] = (None if made is args[0] else args[0], ())
        elif name in RESHAPING and isinstance(args[0], torch.Tensor) and args[0] in self._before:
            logits, steps = self._before[args[0]]
            self._before[result] = (logits, (*steps, _step(func, name, args[1:], kwargs or {})))
        elif name.replace("_", "") in ELEMENTWISE or name in RESHAPING:
            given = [one for arg in args for one in (arg if isinstance(arg, list | tuple) else [arg])]
            tensors = [one for one in given if isinstance(one, torch.Tensor)]
            alone = len(tensors) == 1 or name in ("cat", "stack")  # a gate times what it lets through is none
            if alone and any(one in self._before or one in self._changed for one in tensors):
                for made in result if isinstance(result, list | tuple) else [result]:
                    self._changed[made] = True
        return result

    def behind(self, output: Any) -> torch.Tensor | None:
        """Return what went into the softmax or sigmoid that made an output, the same object for all that was made of it."""
        return self._before[output][0] if isinstance(output, torch.Tensor) and output in self._before else None

    def of(self, output: Any) -> Any:
        """Return the logits of an output, or the output itself where it was not made by a softmax or sigmoid.

        Warns where arithmetic stands between the two.

        Raises:
            ModelError: if they were overwritten.
        """
        if isinstance(output, torch.Tensor) and output in self._changed:
            warn(LOGITS_NOT_FOUND, LogitWarning)
        if not isinstance(output, torch.Tensor) or output not in self._before:
            return output
        logits, steps = self._before[output]
        if logits is None:
            raise ModelError("the model's softmax or sigmoid works in place and overwrites its logits: pass logits=False")
        for step in steps:
            logits = step(logits)
        return logits


def _step(func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Step:
    if name in ("view", "_unsafe_view"):  # logits may lie in memory where their softmax's result did not
        return lambda logits: logits.reshape(args[0])
    return lambda logits: func(logits, *args, **kwargs)
