"""Copy the code of TorchScript methods and functions, so that it runs without TorchScript's optimizations."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch.jit import optimized_execution  # type: ignore[attr-defined]

from saliency.torch.process_settings import CUDNN_OFF
from saliency.torch.recurrent_layers import RECURRENT_OPERATORS

ATTENTION_FAST_PATHS = ("_transformer_encoder_layer_fwd", "_native_multi_head_attention")
GRADIENT_CHECKS = ("aten::is_grad_enabled", "prim::requires_grad")


@dataclass(frozen=True)
class UnoptimizedScript:
    """A copy of the code of a script method or function, with its own executor; the original's weights are its arguments.

    Args:
        function: runs the copy.
        arguments: the arguments of the original, with names and defaults.
        is_recurrent: whether the code has a recurrent layer, for which cuDNN is off; see ``RecurrentWithoutCudnn``.
    """

    function: Any
    arguments: tuple[Any, ...]
    is_recurrent: bool

    @classmethod
    def copy_of(cls, script: Any) -> "UnoptimizedScript":
        """Copy the code of a ``torch.ScriptMethod`` or ``torch.jit.ScriptFunction``."""
        graph = script.inlined_graph  # a copy
        _remove_attention_fast_path(graph)
        _replace_thresholds(graph)
        function = torch._C._create_function_from_graph("unoptimized", graph)  # type: ignore[no-untyped-call, unused-ignore]
        return cls(function, tuple(script.schema.arguments), _has_operator(graph, RECURRENT_OPERATORS))

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any] | None:
        """Return all arguments by position; None if they do not fit."""
        following = self.arguments[len(args) :]
        defaults = {one.name: one.default_value for one in following if one.has_default_value()}
        given = {**defaults, **kwargs}
        fits = len(args) <= len(self.arguments) and set(given) == {one.name for one in following}
        return [*args, *(given[one.name] for one in following)] if fits else None

    def run(self, call: Callable[..., Any], arguments: list[Any]) -> Any:
        """Run the code.

        Args:
            call: calls a ``torch.jit.ScriptFunction``, whose ``__call__`` may be replaced.
            arguments: from ``bind``.
        """
        with optimized_execution(False), CUDNN_OFF.changed() if self.is_recurrent else nullcontext():
            return call(self.function, *arguments)


def _has_operator(graph: Any, names: tuple[str, ...]) -> bool:
    return any(graph.findAllNodes(f"aten::{name}", recurse=True) for name in names)


def _remove_attention_fast_path(graph: Any) -> None:
    """Make a graph with attention always take the path that records gradients; see ``ATTENTION_WITHOUT_FAST_PATH``."""
    if not _has_operator(graph, ATTENTION_FAST_PATHS):
        return
    graph.setInsertPoint(next(iter(graph.nodes())))
    true = graph.insertConstant(True)
    for kind in GRADIENT_CHECKS:
        for node in graph.findAllNodes(kind, recurse=True):
            node.output().replaceAllUsesWith(true)


def _replace_thresholds(graph: Any) -> None:
    """Write out thresholds of a value other than 0, whose nodes look like those of ReLUs; see ``in_place_relu``."""
    thresholds = [node for kind in ("threshold", "threshold_") for node in graph.findAllNodes(f"aten::{kind}", recurse=True)]
    for node in thresholds:
        x, threshold, value = node.inputs()
        if not value.toIValue() or (node.kind().endswith("_") and len(x.uses()) > 1):
            continue
        graph.setInsertPoint(node)
        is_below = graph.insertNode(graph.create("aten::le", [x, threshold], 1))
        result = graph.insertNode(graph.create("aten::where", [is_below.output(), value, x], 1))
        node.output().replaceAllUsesWith(result.output())
        node.destroy()
