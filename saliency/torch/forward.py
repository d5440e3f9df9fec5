"""Forward passes, and what is read off them: the model's output, its logits, or a layer's output."""

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import torch

from saliency.core.errors import ForwardError, LogitWarning, one_line
from saliency.core.score_reading import LOGITS_NOT_FOUND
from saliency.core.target import Target
from saliency.core.warnings import warn
from saliency.torch.layers import layer_output, only_call
from saliency.torch.logits import Logits, ending, is_beyond
from saliency.torch.out_of_memory import is_shortage


class Forward:
    """The forward passes of a model that is in eval mode.

    Args:
        model: takes the input first, the others by name.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        self.model = model
        self._last = threading.local()  # guesses that save time: was the last output squashed; was it beyond all that are?

    def plain(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any]) -> Any:
        """Run the model, and return what a target reads its scores off.

        Args:
            x: (N, *input), in the model's own type.
            target: names the layer, if one is wanted, and says whether logits are.
            feed: the model's other inputs by name; the model gets copies.

        Raises:
            ForwardError: if the forward pass fails.
            TargetError: if the layer is not there, or was not called once.
        """
        wanted = target.logits and target.layer is None
        if wanted and getattr(self._last, "beyond", False):  # looking for logits is felt: as much as a tenth of a pass
            outputs = self._run(x, target, feed, tap=False)
            if is_beyond(outputs):
                return outputs
        return self._run(x, target, feed, tap=wanted)

    def with_graph(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any], grad: bool = True) -> Any:
        """Do the same where a graph tells how the model ends, and logits are looked for only if it ends in a softmax.

        Args:
            x, target, feed: as for ``plain``.
            grad: record the graph from the input on; otherwise a hook does so further down.
        """
        wanted = target.logits and target.layer is None
        tap = wanted and getattr(self._last, "squashed", False)
        with torch.set_grad_enabled(grad):
            outputs = self._run(x, target, feed, tap)
        end = ending(outputs) if wanted and not tap else None
        if end == "hidden":
            warn(LOGITS_NOT_FOUND, LogitWarning)
        elif end == "squashed":
            self._last.squashed = True
            with torch.set_grad_enabled(grad):
                outputs = self._run(x, target, feed, tap=True)
        return outputs

    def _run(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any], tap: bool) -> Any:
        if target.layers:
            with ExitStack() as stack:
                calls = [stack.enter_context(layer_output(self.model, layer)) for layer in target.layers]
                _call(self.model, x, feed)
            outputs = tuple(only_call(one, layer) for one, layer in zip(calls, target.layers, strict=True))
            return outputs if isinstance(target.layer, tuple) else outputs[0]
        with ExitStack() as stack:
            logits = stack.enter_context(Logits()) if tap else None
            output = _call(self.model, x, feed)
        if logits is not None:
            self._last.beyond = is_beyond(output)
            return logits.of(output)
        return output


def _call(model: torch.nn.Module, x: torch.Tensor, feed: Mapping[str, Any]) -> Any:
    own = {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in feed.items()}
    shape, safe = tuple(x.shape), x.is_leaf and x.requires_grad  # the model may work in place, but not on such a leaf
    try:
        return model(x if safe else x.clone(), **own)
    except Exception as error:
        if is_shortage(error):
            raise
        if safe and "leaf Variable" in str(error):
            return _call(model, x.clone(), feed)
        raise ForwardError.of(shape, one_line(error)) from error
