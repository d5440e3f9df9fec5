"""Record the graph of a forward pass only from a layer's input or output on."""

import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import torch

from saliency.core.layer_entries import describe_output, read_entry
from saliency.core.nested_outputs import replace_array
from saliency.core.undo import Undo, undoable
from saliency.torch.autograd_graph import depends_on
from saliency.torch.layers import NOT_CALLED, LayerPlace, forward_hooks


@dataclass
class PartialGraph:
    """The start of the graph of a forward pass: a layer's output, or its input, in one of its calls.

    If the layer is called again on a path that follows an earlier call, the later call counts.

    Args:
        calls: the indices of the calls that count; None for all.
        values: the values at which the graph starts; None takes them from the model.
        leaves: the detached tensors by the index of their call. None follows another one.
        observation: what the layer did instead, for an error message.
        calls_so_far: number of calls of the layer.
    """

    calls: Collection[int] | None = None
    values: torch.Tensor | None = None
    leaves: dict[int, torch.Tensor] = field(default_factory=dict)
    observation: str = NOT_CALLED
    calls_so_far: int = 0

    @property
    def leaf(self) -> torch.Tensor | None:
        """The only leaf; None if there is none or several."""
        return next(iter(self.leaves.values())) if len(self.leaves) == 1 else None

    def start_at(self, value: Any, verb: str) -> torch.Tensor | None:
        """Start the graph at a value; return the copy with which the model continues, because it may work in place."""
        self.calls_so_far += 1
        if self.calls is not None and self.calls_so_far - 1 not in self.calls:
            self.observation = self.observation if self.leaves else "does not depend on the explained input"
            return None
        is_tensor = isinstance(value, torch.Tensor)
        returned = describe_output(value) if verb == "returns" else type(value).__name__
        kind = f"tensor of {value.dtype}" if is_tensor else returned
        earlier, self.leaves, self.observation = self.leaves, {}, f"{verb} a {kind}"
        if not is_tensor or not value.is_floating_point():
            return None
        if torch.is_grad_enabled():  # otherwise the model records no graph here, and the last call counts
            self.leaves = {call: leaf for call, leaf in earlier.items() if not depends_on(value, leaf)}
        leaf: torch.Tensor = (value if self.values is None else self.values.to(value)).detach().requires_grad_()
        self.leaves[self.calls_so_far - 1] = leaf
        self.observation = f"is called {len(self.leaves)} times on parallel paths from the input"
        torch.set_grad_enabled(True)  # until the caller's own context ends
        return leaf.clone()


@undoable
def detach_after(
    undo: Undo, layer: LayerPlace, calls: Collection[int] | None = None, values: torch.Tensor | None = None
) -> PartialGraph:
    """Start the graph at a layer's output, in this thread; the caller has disabled gradients."""
    graph, thread = PartialGraph(calls, values), threading.get_ident()

    def after(_module: torch.nn.Module, _inputs: Any, output: Any) -> Any:
        if threading.get_ident() != thread:
            return None
        value = read_entry(output, layer.entry)
        copy = graph.start_at(value, "returns")
        return None if copy is None else replace_array(output, value, copy)

    undo.enter(forward_hooks(layer.module, after))
    return graph


@undoable
def detach_before(
    undo: Undo, layer: LayerPlace, calls: Collection[int] | None = None, values: torch.Tensor | None = None
) -> PartialGraph:
    """Start the graph at a layer's input, its first tensor argument, positional or keyword.

    Changes that the layer makes to its input in place are copied to the model's own tensor, because some models use it later.
    """
    graph, thread = PartialGraph(calls, values), threading.get_ident()
    open_calls: list[tuple[Any, torch.Tensor | None]] = []  # for each nested call: the model's own tensor, and its copy

    def before(_module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if threading.get_ident() != thread:
            return None
        arguments = [*args, *kwargs.values()]
        original = next((one for one in arguments if isinstance(one, torch.Tensor)), arguments[0] if arguments else None)
        copy = graph.start_at(original, "receives")
        open_calls.append((original, copy))
        if copy is None:
            return None
        return tuple(copy if one is original else one for one in args), {
            name: copy if one is original else one for name, one in kwargs.items()
        }

    def after(_module: torch.nn.Module, _inputs: Any, _output: Any) -> None:
        if threading.get_ident() == thread:
            original, copy = open_calls.pop()
            if copy is not None and copy._version:
                original.copy_(copy)

    undo.enter(forward_hooks(layer.module, after, before))
    return graph
