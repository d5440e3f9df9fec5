"""Forward passes, and what is read off them: the model's output, its logits, or a layer's output."""

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import torch

from saliency.core.errors import InputError, LogitWarning
from saliency.core.target import Target
from saliency.core.warn import warn
from saliency.torch.layers import layer_output, only_call
from saliency.torch.logits import HIDDEN, Logits, ending
from saliency.torch.memory import is_shortage


class Forward:
    """The forward passes of a model that is in eval mode.

    Args:
        model: takes the input first, the others by name.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        self.model = model
        self._squashed = threading.local()  # a guess that saves a forward pass: did the last output end in a softmax?

    def plain(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any]) -> Any:
        """Run the model, and return what a target reads its scores off; the model may work on ``x`` in place.

        Args:
            x: (N, *input), in the model's own type.
            target: names the layer, if one is wanted, and says whether logits are.
            feed: the model's other inputs by name; the model gets copies.

        Raises:
            InputError: if the forward pass fails.
            TargetError: if the layer is not there, or was not called once.
        """
        return self._run(x, target, feed, tap=target.logits)

    def with_graph(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any], grad: bool = True) -> Any:
        """Do the same where a graph tells how the model ends, and logits are looked for only if it ends in a softmax.

        Args:
            x, target, feed: as for ``plain``.
            grad: record the graph from the input on; otherwise a hook does so further down.
        """
        wanted = target.logits and target.layer is None
        tap = wanted and getattr(self._squashed, "last", False)
        with torch.set_grad_enabled(grad):
            outputs = self._run(x, target, feed, tap)
        end = ending(outputs) if wanted and not tap else None
        if end == "hidden":
            warn(HIDDEN, LogitWarning)
        elif end == "squashed":
            self._squashed.last = True
            with torch.set_grad_enabled(grad):
                outputs = self._run(x, target, feed, tap=True)
        return outputs

    def _run(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any], tap: bool) -> Any:
        if target.layer is not None:
            with layer_output(self.model, target.layer) as calls:
                _call(self.model, x, feed)
            return only_call(calls, target.layer)
        with ExitStack() as stack:
            logits = stack.enter_context(Logits()) if tap else None
            output = _call(self.model, x, feed)
        return output if logits is None else logits.of(output)


def _call(model: torch.nn.Module, x: torch.Tensor, feed: Mapping[str, Any]) -> Any:
    own = {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in feed.items()}
    shape = tuple(x.shape)
    try:
        return model(x, **own)
    except Exception as error:
        if is_shortage(error):
            raise
        if x.is_leaf and x.requires_grad and "leaf Variable" in str(error):  # the model works on its input in place
            return _call(model, x.clone(), feed)
        first = (str(error).strip().splitlines() or [""])[0]
        raise InputError(
            f"the model's forward pass failed for `x_value` of shape {shape[1:]}, {shape[0]} at a time: "
            f"{type(error).__name__}: {first} (an input has no batch axis of its own, and the model's order of axes)"
        ) from error
