"""Build the graph of one query, in the first inlining mode that exposes all of the model's operations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import tensorflow as tf

from saliency.core.errors import ModelError, SaliencyError
from saliency.core.interrupts import deliver_interrupts
from saliency.tf.eager.forward import INLINING_MODES, FunctionCallsLeftError
from saliency.tf.eager.variable_restore import AssignedVariables
from saliency.tf.ops.graph_info import GraphInfo

GraphBuilder: TypeAlias = Callable[..., Any]
"""Takes a ``GraphInfo`` that it adds to, x, the other inputs and further tensors; returns the query's tensors."""


@dataclass
class Trace:
    """The graph of a query.

    Args:
        function: takes x (N, *input), the other inputs and the query's further tensors.
        info: facts that were recorded while the graph was built.
        assigned: variables that the graph assigns.
    """

    function: Any
    info: GraphInfo
    assigned: AssignedVariables

    def __call__(self, x: Any, feed: Mapping[str, Any], *more: Any) -> Any:
        tensors = {name: value for name, value in feed.items() if isinstance(value, tf.Tensor)}
        deliver_interrupts()  # tracing may have taken seconds
        with self.assigned.restored():
            return self.function(x, tensors, *more)


def build_trace(
    builder: GraphBuilder, x: Any, feed: Mapping[str, Any], more: Sequence[Any], first_mode: int = 0, compiled: bool = False
) -> tuple[Trace, int]:
    """Build the graph of a query.

    Args:
        builder: builds the graph, once for each inlining mode that is tried.
        x: specification of the inputs, (N, *input).
        feed: the other inputs: specifications and plain values.
        more: specifications of the builder's further tensors.
        first_mode: index of the inlining mode that is tried first.
        compiled: compile with XLA.

    Returns:
        The trace, and the index of its inlining mode.

    Raises:
        ModelError: if no mode exposes all operations.
    """
    specs = {name: value for name, value in feed.items() if isinstance(value, tf.TensorSpec)}
    plain = {name: value for name, value in feed.items() if name not in specs}
    for mode in range(first_mode, len(INLINING_MODES)):
        info = GraphInfo(inlining=INLINING_MODES[mode])
        try:
            function = tf.function(partial(_build, builder, info, plain), autograph=False, jit_compile=compiled or None)
            concrete = function.get_concrete_function(x, specs, *more)
        except FunctionCallsLeftError:
            continue
        except SaliencyError:
            raise
        except Exception:
            if INLINING_MODES[mode] != "python":  # there, code that needs AutoGraph fails, and the next mode is tried
                raise
        else:
            return Trace(concrete, info, AssignedVariables.of_function(concrete)), mode
    raise ModelError("the model calls functions whose operations are hidden, so that its graph can't be built")


def _build(
    builder: GraphBuilder, info: GraphInfo, plain: Mapping[str, Any], x: Any, tensors: Mapping[str, Any], *more: Any
) -> Any:
    return builder(info, x, {**plain, **tensors}, *more)
