"""From a question to its graph, on the first way that lays open what the model calls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import tensorflow as tf

from saliency.core.errors import ModelError, SaliencyError
from saliency.tf.eager.forward import WAYS, CallsLeft
from saliency.tf.eager.variable_restore import Variables

Notes: TypeAlias = dict[str, Any]

Body: TypeAlias = Callable[..., Any]
"""From notes, in which the way stands (see ``forward``), x, the other inputs and more, to tensors."""


@dataclass
class Trace:
    """A question's graph.

    Args:
        function: takes x (N, *input), the other inputs, and what else the question takes.
        notes: what was found out while it was built, and the ``way`` that this was done.
        assigned: variables that it changes.
    """

    function: Any
    notes: Notes
    assigned: Variables

    def __call__(self, x: Any, feed: Mapping[str, Any], *more: Any) -> Any:
        tensors = {name: value for name, value in feed.items() if isinstance(value, tf.Tensor)}
        with self.assigned.restored():
            return self.function(x, tensors, *more)


def traced(
    body: Body, x: Any, feed: Mapping[str, Any], more: Sequence[Any], first: int = 0, compiled: bool = False
) -> tuple[Trace, int]:
    """Build a question's graph.

    Args:
        body: builds it, once for each way that is tried.
        x: the inputs' specification, (N, *input).
        feed: the other inputs: specifications and plain values.
        more: specifications of what else the body takes.
        first: the number of the way that is tried first.
        compiled: by XLA.

    Returns:
        The trace, and the number of the way that did.

    Raises:
        ModelError: if none did.
    """
    specs = {name: one for name, one in feed.items() if isinstance(one, tf.TensorSpec)}
    plain = {name: one for name, one in feed.items() if name not in specs}
    for way in range(first, len(WAYS)):
        notes: Notes = {"way": WAYS[way]}
        build = partial(_build, body, notes, plain)
        try:
            function = tf.function(build, autograph=False, jit_compile=compiled or None)
            concrete = function.get_concrete_function(x, specs, *more)
        except CallsLeft:
            continue
        except SaliencyError:
            raise
        except Exception:
            if WAYS[way] != "inlined":  # Python that TensorFlow would have rewritten
                raise
        else:
            return Trace(concrete, notes, Variables.changed_by(concrete)), way
    raise ModelError("the model calls functions whose operations can't be seen")


def _build(body: Body, notes: Notes, plain: Mapping[str, Any], x: Any, tensors: Mapping[str, Any], *more: Any) -> Any:
    return body(notes, x, {**plain, **tensors}, *more)
