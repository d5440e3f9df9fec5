"""A forward pass that is cut at a layer: no graph up to the layer's output, and a graph from there on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from saliency.core.errors import TargetError


@dataclass
class Cut:
    """Where a forward pass was cut: at the layer's output in its last call.

    Args:
        leaf: this output; None if it was no tensor that can be differentiated by.
        found: what the layer did instead, in words.
    """

    leaf: torch.Tensor | None = None
    found: str = "was not called in the forward pass (exported and traced models call none)"


@contextmanager
def cut_at(layer: torch.nn.Module) -> Iterator[Cut]:
    """Start the graph of a forward pass, which is to record none by itself, at a layer's output, in this thread."""
    cut, thread = Cut(), threading.get_ident()

    def hook(_module: torch.nn.Module, _inputs: Any, output: Any) -> Any:
        if threading.get_ident() != thread:
            return None
        tensor = isinstance(output, torch.Tensor)
        cut.leaf, cut.found = None, f"gives a {output.dtype if tensor else type(output).__name__}"
        if not tensor or not output.is_floating_point():
            return None
        cut.leaf = output.detach().requires_grad_()
        torch.set_grad_enabled(True)  # until the caller's own context ends
        return cut.leaf.clone()  # what follows may work in place

    with hooked(layer, hook):
        yield cut


@contextmanager
def hooked(layer: torch.nn.Module, hook: Callable[..., Any]) -> Iterator[None]:
    """Call a hook after a layer, as long as the block lasts.

    Raises:
        TargetError: if the layer takes no hooks.
    """
    try:
        handle = layer.register_forward_hook(hook)
    except RuntimeError as error:
        raise TargetError(f"layer ({type(layer).__name__}) can't be read: {error}") from error
    with handle:
        yield
