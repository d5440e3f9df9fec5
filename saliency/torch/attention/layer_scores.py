"""Score the tokens of every layer by the end of the model, and differentiate each score by the layer's own attention."""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary, ref

import torch
from torch._C._autograd import _get_sequence_nr
from torch.autograd.graph import Node

from saliency.core.attention import no_blocks
from saliency.core.nested_outputs import replace_array
from saliency.core.token_layout import TokenLayout
from saliency.torch.attention.attention_nodes import is_attention, weights_shape
from saliency.torch.autograd_graph import find_nodes
from saliency.torch.forward import ForwardRunner
from saliency.torch.layer_grids import make_recorder
from saliency.torch.layers import forward_hooks
from saliency.torch.module_tree import named_modules
from saliency.torch.positions.state import Positions
from saliency.torch.query import ScoreQuery


@dataclass(eq=False)
class ModuleCall:
    """A module's call in a forward pass.

    Args:
        module: the module.
        received, returned: its first tensor argument, and the first tensor that it returned.
        started, ended: the numbers of the graph's next node before and after the call.
        positions: of what it returned.
    """

    module: torch.nn.Module
    received: torch.Tensor | None
    started: int
    returned: torch.Tensor | None = None
    ended: int = 0
    positions: Positions | None = None

    def sample_axis(self, tokens: int) -> int | None:
        """Return the axis of the samples of returned tokens (N, tokens, channels) or (tokens, N, channels), or None."""
        positions, value = self.positions, self.returned
        if value is None or value.ndim != 3 or positions is None or not value.requires_grad:
            return None
        placed = [dim for dim in range(3) if positions.varies_along(dim)]
        if len(placed) != 1 or placed[0] > 1 or value.shape[placed[0]] != tokens:
            return None
        return 1 - placed[0]


@dataclass
class _Calls:
    """All calls of modules in this thread, in the order of their ends."""

    done: list[ModuleCall] = field(default_factory=list)
    _open: list[ModuleCall] = field(default_factory=list)
    _thread: int = field(default_factory=threading.get_ident)

    def before(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if threading.get_ident() == self._thread:
            self._open.append(ModuleCall(module, _first_tensor([*args, *kwargs.values()]), _get_sequence_nr()))

    def after(self, _module: torch.nn.Module, _args: Any, output: Any) -> None:
        if threading.get_ident() == self._thread:
            call = self._open.pop()
            call.returned, call.ended = _first_tensor([output]), _get_sequence_nr()
            self.done.append(call)


def find_blocks(query: ScoreQuery, forward: ForwardRunner, layers: Any) -> list[ModuleCall]:
    """Return the calls of a model's blocks: modules with one attention each, which pass all tokens to one another.

    Args:
        query: its ``x`` depends on a leaf.
        forward: of the model.
        layers: returns the layers of attention in a graph of scores.

    Raises:
        ModelError: if the model has no such blocks.
    """
    calls = _Calls()
    with make_recorder(query) as recorder, ExitStack() as stack:
        for module in named_modules(forward.model).values():
            if module is not forward.model and not isinstance(module, torch.jit.ScriptModule):
                stack.enter_context(forward_hooks(module, calls.after, calls.before))
        scores = query.scores(query.run_forward(forward, grad=True))
    found: list[tuple[Node, TokenLayout]] = layers(scores)
    numbers = [node._sequence_nr() for node, _ in found]
    blocks = []
    for number, (_, layout) in zip(numbers, found, strict=True):
        around = [call for call in calls.done if [one for one in numbers if call.started <= one < call.ended] == [number]]
        for call in around:
            call.positions = recorder.of(call.returned)
        fitting = [call for call in around if call.sample_axis(layout.tokens) is not None]
        if not fitting:
            raise no_blocks()
        blocks.append(max(fitting, key=lambda call: (call.ended - call.started, call.ended)))
    if any(later.received is not earlier.returned for earlier, later in pairwise(blocks)):
        raise no_blocks()
    return blocks


@dataclass(frozen=True)
class Blocks:
    """The blocks of a model, in the order of their calls.

    Args:
        modules: their modules; one that is shared occurs several times.
        sample_axis: the axis of the samples of the last one's tokens.
    """

    modules: "tuple[ref[torch.nn.Module], ...]"
    sample_axis: int

    @classmethod
    def of(cls, calls: Sequence[ModuleCall], tokens: int) -> "Blocks":
        """Return the blocks of some calls."""
        return cls(tuple(ref(call.module) for call in calls), calls[-1].sample_axis(tokens) or 0)

    def score(self, query: ScoreQuery, forward: ForwardRunner) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return the scores of each block's tokens, (blocks, N * T), and these tokens.

        The tokens of all blocks pass the end of the model in one batch. Each block starts a graph of its own.
        """
        modules, returned, thread = [one() for one in self.modules], list[torch.Tensor](), threading.get_ident()

        def before(_module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            value = _first_tensor([*args, *kwargs.values()])
            if threading.get_ident() != thread or value is None:
                return None
            if len(returned) == len(modules):  # the model runs again, to record its logits
                returned.clear()
            leaf = value.detach().requires_grad_()
            return tuple(leaf if one is value else one for one in args), {
                name: leaf if one is value else one for name, one in kwargs.items()
            }

        def after(module: torch.nn.Module, _args: Any, output: Any) -> Any:
            value = _first_tensor([output])
            if threading.get_ident() != thread or value is None:
                return None
            if len(returned) == len(modules) or module is not modules[len(returned)]:
                raise no_blocks()
            returned.append(value)
            return (
                replace_array(output, value, torch.cat(returned, self.sample_axis)) if len(returned) == len(modules) else None
            )

        target, selected = query.target.repeat(len(modules)), forward.selector.selected_for(query.target)
        forward = forward if selected is None else forward.with_output(selected)  # it has more rows than the model inputs
        with ExitStack() as stack:
            for module in dict.fromkeys(modules):
                if module is not None:
                    stack.enter_context(forward_hooks(module, after, before))
            outputs = replace(query, request=replace(query.request, target=target)).run_forward(forward, grad=True)
        scores: torch.Tensor = target.scores(outputs, len(modules) * len(query.x), query.adapter)
        return scores.reshape(len(modules), -1), returned

    @staticmethod
    def attention_of(tokens: torch.Tensor, name: str, layout: TokenLayout) -> Node:
        """Return the node of attention in the graph of a block's tokens."""

        def fits(node: Node) -> bool:
            shape = weights_shape(node)
            return node.name() == name and shape[layout.key_dim] == shape[layout.query_dim] == layout.tokens

        found = [node for node in find_nodes(tokens) if is_attention(node) and fits(node)]
        if len(found) != 1:
            raise no_blocks()
        return found[0]


blocks_of: "WeakKeyDictionary[Any, Blocks]" = WeakKeyDictionary()
"""Plan of attention -> the blocks of its model."""


def _first_tensor(values: Sequence[Any]) -> torch.Tensor | None:
    for value in values:
        if isinstance(value, torch.Tensor):
            return value
        if isinstance(value, list | tuple):
            found = _first_tensor(value)
            if found is not None:
                return found
    return None
