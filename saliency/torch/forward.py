"""One forward pass, and what is read off it: the model's output, its logits, or a layer's output."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import torch

from saliency.core.errors import InputError
from saliency.core.target import Target
from saliency.torch.layers import layer_output, only_call
from saliency.torch.logits import Logits


def forward(model: torch.nn.Module, x: torch.Tensor, target: Target, feed: Mapping[str, Any], tap: bool) -> Any:
    """Run a model and return what a target reads its scores off.

    Args:
        model: in eval mode.
        x: (N, *input), in the model's own type; without a graph, the model may work on it in place.
        target: names the layer, if one is wanted.
        feed: the model's other inputs by name; the model gets copies.
        tap: look for the logits in front of the output.

    Raises:
        InputError: if the forward pass fails.
        TargetError: if the layer is not there, or was not called once.
    """
    if target.layer is not None:
        with layer_output(model, target.layer) as calls:
            _call(model, x, feed)
        return only_call(calls, target.layer)
    with ExitStack() as stack:
        logits = stack.enter_context(Logits()) if tap else None
        output = _call(model, x, feed)
    return output if logits is None else logits.of(output)


def _call(model: torch.nn.Module, x: torch.Tensor, feed: Mapping[str, Any]) -> Any:
    own = {name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in feed.items()}
    shape = tuple(x.shape)
    try:
        return model(x, **own)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        if x.is_leaf and x.requires_grad and "leaf Variable" in str(error):  # the model works on its input in place
            return _call(model, x.clone(), feed)
        first = (str(error).strip().splitlines() or [""])[0]
        raise InputError(
            f"the model's forward pass failed for `x_value` of shape {shape[1:]}, {shape[0]} at a time: "
            f"{type(error).__name__}: {first} (an input has no batch axis of its own, and the model's order of axes)"
        ) from error
