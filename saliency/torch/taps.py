"""What is read off a forward pass besides its result: a layer's output, and the logits in front of a softmax or sigmoid."""

import difflib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from saliency.core.errors import ModelError, TargetError

SQUASHING = {"_softmax", "softmax", "_log_softmax", "log_softmax", "sigmoid", "sigmoid_", "log_sigmoid_forward"}
RESHAPING = {
    "view", "_unsafe_view", "reshape", "squeeze", "unsqueeze", "flatten", "clone", "contiguous", "detach", "alias",
    "_to_copy", "to", "select", "slice",
}  # fmt: skip


def find_layer(model: torch.nn.Module, layer: str | torch.nn.Module) -> torch.nn.Module:
    """Return a layer of the model by name (``features.3``) or by the object itself.

    Raises:
        TargetError: if the model does not have it; the message lists the nearest names.
    """
    named = dict(model.named_modules())
    if isinstance(layer, torch.nn.Module):
        if all(layer is not module for module in named.values()):
            raise TargetError(f"`layer` ({type(layer).__name__}) must be a part of the model; this object is not")
        return layer
    if layer not in named:
        names = [name for name in named if name]
        near = difflib.get_close_matches(str(layer), names, n=3, cutoff=0.3) or names[-3:]
        raise TargetError(f"`layer` (={layer!r}) must be one of the model's {len(names)} layers; nearest: {', '.join(near)}")
    found: torch.nn.Module = named[layer]
    return found


@contextmanager
def layer_output(model: torch.nn.Module, layer: str | torch.nn.Module) -> Iterator[list[Any]]:
    """Collect what a layer gives in this thread, one entry a call of it; its hook goes when the block ends."""
    module, calls, thread = find_layer(model, layer), [], threading.get_ident()

    def keep(_module: torch.nn.Module, _inputs: Any, output: Any) -> None:
        if threading.get_ident() == thread:  # a copy, for an in-place ReLU may overwrite the original
            calls.append(output.clone() if isinstance(output, torch.Tensor) else output)

    with module.register_forward_hook(keep):
        yield calls


def only_call(calls: list[Any], layer: str | torch.nn.Module) -> torch.Tensor:
    """Return the one output of a layer.

    Raises:
        TargetError: if the layer was not called once, or gave no tensor.
    """
    name = layer if isinstance(layer, str) else type(layer).__name__
    if not calls:
        raise TargetError(f"layer {name!r} was not called in the forward pass (exported and traced models call none)")
    if len(calls) > 1:
        raise TargetError(f"layer {name!r} was called {len(calls)} times in one forward pass; a target needs one call")
    if not isinstance(calls[0], torch.Tensor):
        raise TargetError(f"layer {name!r} gives a {type(calls[0]).__name__}; a target needs one tensor (N, channels, ...)")
    return calls[0]


def ends_squashed(output: Any) -> bool:
    """Tell from its graph whether a softmax or sigmoid made an output, reshaped and cast since or not."""
    node = getattr(output, "grad_fn", None)
    while node is not None:
        name = node.name().removesuffix("Backward0").removesuffix("Backward1")
        if name in ("Softmax", "LogSoftmax", "Sigmoid", "LogSigmoid"):
            return True
        if name.lower() not in {word.strip("_").replace("_", "") for word in RESHAPING} | {"unsafeview", "tocopy"}:
            return False
        node = node.next_functions[0][0] if node.next_functions else None
    return False


class Logits(TorchDispatchMode):  # type: ignore[no-untyped-call] # Torch leaves its hooks untyped
    """Remember, for every tensor that a softmax or sigmoid made, what went into it; reshaping and casting carry over."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._before: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}  # id of a result -> itself, its logits

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in SQUASHING:
            made = result[0] if isinstance(result, tuple) else result
            self._before[id(made)] = (made, args[0])
        elif name in RESHAPING and args and id(args[0]) in self._before:
            self._before[id(result)] = (result, self._before[id(args[0])][1])
        return result

    def of(self, output: Any) -> Any:
        """Return the logits of an output, or the output itself where none went before."""
        if id(output) not in self._before:
            return output
        made, logits = self._before[id(output)]
        if logits is made:
            raise ModelError("the model's softmax or sigmoid works in place and overwrites its logits: pass logits=False")
        if logits.numel() != output.numel():
            raise ModelError(
                f"the model's output (shape {tuple(output.shape)}) is a part of a softmax or sigmoid of shape "
                f"{tuple(logits.shape)}: pass logits=False to explain the probability"
            )
        return logits.reshape(output.shape)
