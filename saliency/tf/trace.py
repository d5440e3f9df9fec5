"""One graph for each question that is asked of a model, kept as long as the model lives."""

import weakref
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import tensorflow as tf

from saliency.core.errors import InputError, ModelError, SaliencyError
from saliency.tf.forward import LOCK, WAYS, CallsLeft
from saliency.tf.served import told
from saliency.tf.state import State
from saliency.tf.variables import Variables

_kept: "weakref.WeakKeyDictionary[Any, dict[Hashable, Traces]]" = weakref.WeakKeyDictionary()
"""Model -> what an adapter was told -> its traces."""


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


class Traces:
    """The traces of one model. They hold its variables, and not the model."""

    def __init__(self, state: State = (), compiled: bool = False) -> None:
        self.state, self._compiled = state, compiled
        self._made: dict[Hashable, Trace] = {}
        self._by_function: weakref.WeakKeyDictionary[Any, dict[Hashable, Trace]] = weakref.WeakKeyDictionary()
        self._way = 0

    @classmethod
    def of(cls, owner: Any, options: Hashable, state: State, compiled: bool) -> "Traces":
        """Return the traces of a model; they begin anew when its state is another one, as when a layer was changed.

        Args:
            owner: the model.
            options: what the adapter was told; traces are not shared between two that were told different things.
            state: see ``state_of``.
            compiled: by XLA.
        """
        with LOCK:
            try:
                kept = _kept.setdefault(owner, {})
            except TypeError:  # no weak references to it
                return cls(state, compiled)
            if options not in kept or kept[options].state != state:
                kept[options] = cls(state, compiled)
            return kept[options]

    def get(self, question: Hashable, function: Any, body: Body, x: Any, feed: Mapping[str, Any], *more: Any) -> Trace:
        """Return a question's trace, which is made the first time.

        Args:
            question: what makes two graphs differ, apart from the shapes and types that are read off the tensors.
            function: a user's, if one becomes part of the graph.
            body: builds the graph.
            x: (N, *input); N stays open, unless the model wants to know it.
            feed: the other inputs.
            *more: what else the body takes, tensors whose first two axes stay open.
        """
        own = self._of_function(function)
        specs, plain = {}, []
        for name, value in sorted(feed.items()):
            if isinstance(value, tf.Tensor):
                specs[name] = tf.TensorSpec([None, *value.shape[1:]] if value.shape.rank else [], value.dtype)
            else:
                plain.append((name, _hashable(value)))
        key = (question, x.shape[1:], x.dtype, tuple(specs.items()), tuple(plain))
        for batch in (None, x.shape[0]):
            if (found := own.get((key, batch))) is not None:
                return found
        with LOCK:
            return self._make(own, key, body, x, {**specs, **{n: feed[n] for n, _ in plain}}, [_open(one) for one in more])

    def _of_function(self, function: Any) -> dict[Hashable, Trace]:
        if function is None:
            return self._made
        with suppress(TypeError):
            return self._by_function.setdefault(function, {})
        return {}  # no weak references to it: it is traced every time

    def _make(
        self, own: dict[Hashable, Trace], key: Hashable, body: Body, x: Any, feed: Mapping[str, Any], more: list[Any]
    ) -> Trace:
        for batch in (None, x.shape[0]):
            if (key, batch) in own:
                return own[key, batch]
        failed: Exception | None = None
        for batch in (None, x.shape[0]):
            try:
                own[key, batch] = self._trace(body, tf.TensorSpec([batch, *x.shape[1:]], x.dtype), feed, more)
            except SaliencyError:
                raise
            except Exception as error:  # a model may want to know N
                failed = failed or error
            else:
                return own[key, batch]
        raise InputError(
            f"the model's forward pass failed for `x_value` of shape {tuple(x.shape[1:])}, {x.shape[0]} at a time: "
            f"{told(failed)} (an input has no batch axis of its own, and the model's order of axes)"
        ) from failed

    def _trace(self, body: Body, x: Any, feed: Mapping[str, Any], more: list[Any]) -> Trace:
        """Build the graph, and lay open what the model calls on the first way that does so."""
        specs = {name: one for name, one in feed.items() if isinstance(one, tf.TensorSpec)}
        plain = {name: one for name, one in feed.items() if name not in specs}
        for i in range(self._way, len(WAYS)):
            notes: Notes = {"way": WAYS[i]}
            build = partial(_build, body, notes, plain)
            try:
                function = tf.function(build, autograph=False, jit_compile=self._compiled or None)
                concrete = function.get_concrete_function(x, specs, *more)
                trace = Trace(concrete, notes, Variables.changed_by(concrete))
            except CallsLeft:
                continue
            except SaliencyError:
                raise
            except Exception:
                if WAYS[i] != "inlined":  # Python that TensorFlow would have rewritten
                    raise
            else:
                self._way = i
                return trace
        raise ModelError("the model calls functions whose operations can't be seen")


def _build(body: Body, notes: Notes, plain: Mapping[str, Any], x: Any, tensors: Mapping[str, Any], *more: Any) -> Any:
    return body(notes, x, {**plain, **tensors}, *more)


def _open(tensor: Any) -> Any:
    return tf.TensorSpec([None, None, *tensor.shape[2:]], tensor.dtype)


def _hashable(value: Any) -> Hashable:
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return (type(value), value)
