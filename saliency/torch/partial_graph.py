"""A forward pass that is cut at a layer: no graph up to its output, or its input, and a graph from there on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from saliency.core.errors import TargetError


@dataclass
class Cut:
    """Where a forward pass was cut: at the layer's output, or its input, in its last call.

    Args:
        leaf: this tensor; None if it was none that can be differentiated by.
        found: what the layer did instead, in words.
    """

    leaf: torch.Tensor | None = None
    found: str = "was not called in the forward pass (exported and traced models call none)"

    def start(self, value: Any, does: str) -> torch.Tensor | None:
        """Start the graph at a value; return what the model goes on with, a copy, for it may work in place."""
        tensor = isinstance(value, torch.Tensor)
        self.leaf, self.found = None, f"{does} a {value.dtype if tensor else type(value).__name__}"
        if not tensor or not value.is_floating_point():
            return None
        self.leaf = value.detach().requires_grad_()
        torch.set_grad_enabled(True)  # until the caller's own context ends
        return self.leaf.clone()


@contextmanager
def cut_behind(layer: torch.nn.Module) -> Iterator[Cut]:
    """Start the graph of a forward pass, which is to record none by itself, at a layer's output, in this thread."""
    cut, thread = Cut(), threading.get_ident()

    def after(_module: torch.nn.Module, _inputs: Any, output: Any) -> Any:
        return cut.start(output, "gives") if threading.get_ident() == thread else None

    with hooked(layer, after):
        yield cut


@contextmanager
def cut_before(layer: torch.nn.Module) -> Iterator[Cut]:
    """Start it at a layer's input, the first tensor that it is called with, wherever among its arguments that stands.

    What the layer does to its input in place is done to the model's own tensor as well: some go on with that.
    """
    cut, thread = Cut(), threading.get_ident()
    handed: list[tuple[Any, torch.Tensor | None]] = []  # by calls that are under way: the model's own, and its copy

    def before(_module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if threading.get_ident() != thread:
            return None
        given = [*args, *kwargs.values()]
        own = next((one for one in given if isinstance(one, torch.Tensor)), given[0] if given else None)
        copy = cut.start(own, "takes")
        handed.append((own, copy))
        if copy is None:
            return None
        return tuple(copy if one is own else one for one in args), {
            name: copy if one is own else one for name, one in kwargs.items()
        }

    def after(_module: torch.nn.Module, _inputs: Any, _output: Any) -> None:
        if threading.get_ident() == thread:
            own, copy = handed.pop()
            if copy is not None and copy._version:
                own.copy_(copy)

    with hooked(layer, after, before):
        yield cut


@contextmanager
def hooked(layer: torch.nn.Module, after: Callable[..., Any], before: Callable[..., Any] | None = None) -> Iterator[None]:
    """Call a hook after a layer, and another before it with all of its arguments, as long as the block lasts.

    Raises:
        TargetError: if the layer takes no hooks.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(layer.register_forward_hook(after))
            if before is not None:
                stack.enter_context(layer.register_forward_pre_hook(before, with_kwargs=True))
        except RuntimeError as error:
            raise TargetError(f"layer ({type(layer).__name__}) can't be read: {error}") from error
        yield
