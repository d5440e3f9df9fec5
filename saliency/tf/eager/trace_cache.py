"""One graph for each question that is asked of a model, kept as long as the model lives."""

import weakref
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import tensorflow as tf

from saliency.core.errors import ForwardError, SaliencyError
from saliency.tf.eager.forward import LOCK
from saliency.tf.eager.model_fingerprint import State
from saliency.tf.eager.tracing import Body, Trace, traced
from saliency.tf.ops.error_translation import told

_kept: "weakref.WeakKeyDictionary[Any, dict[Hashable, Traces]]" = weakref.WeakKeyDictionary()
"""Model -> what an adapter was told -> its traces."""


class _Kept:
    """Traces by their questions; and by the users' functions that are part of them, for as long as these live."""

    def __init__(self) -> None:
        self.made: dict[Hashable, Trace] = {}
        self.by_function: weakref.WeakKeyDictionary[Any, _Kept] = weakref.WeakKeyDictionary()


class Traces:
    """The traces of one model. They hold its variables, and not the model."""

    def __init__(self, state: State = (), compiled: bool = False) -> None:
        self.state, self._compiled = state, compiled
        self._kept = _Kept()
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

    def get(
        self, question: Hashable, functions: Sequence[Any], body: Body, x: Any, feed: Mapping[str, Any], *more: Any
    ) -> Trace:
        """Return a question's trace, which is made the first time.

        Args:
            question: what makes two graphs differ, apart from the shapes and types that are read off the tensors.
            functions: a user's, if some become part of the graph.
            body: builds the graph.
            x: (N, *input); N stays open, unless the model wants to know it.
            feed: the other inputs.
            *more: what else the body takes, tensors whose first two axes stay open.
        """
        own = self._of_functions(functions)
        specs, plain = {}, []
        for name, value in sorted(feed.items()):
            if isinstance(value, tf.Tensor):
                specs[name] = tf.TensorSpec([None, *value.shape[1:]] if value.shape.rank else [], value.dtype)
            else:
                plain.append((name, _hashable(value)))
        key = (question, x.shape[1:], x.dtype, tuple(specs.items()), tuple(plain))
        found = _known(own, key, x)
        if found is not None:
            return found
        with LOCK:
            return self._make(own, key, body, x, {**specs, **{n: feed[n] for n, _ in plain}}, [_open(one) for one in more])

    def _of_functions(self, functions: Sequence[Any]) -> dict[Hashable, Trace]:
        kept = self._kept
        with suppress(TypeError):
            for function in functions:
                kept = kept.by_function.setdefault(function, _Kept())
            return kept.made
        return {}  # no weak references to one: it is traced every time

    def _make(
        self, own: dict[Hashable, Trace], key: Hashable, body: Body, x: Any, feed: Mapping[str, Any], more: list[Any]
    ) -> Trace:
        found = _known(own, key, x)  # another thread may have made it meanwhile
        if found is not None:
            return found
        failed: Exception | None = None
        for batch in (None, x.shape[0]):
            try:
                spec = tf.TensorSpec([batch, *x.shape[1:]], x.dtype)
                own[key, batch], self._way = traced(body, spec, feed, more, self._way, self._compiled)
            except SaliencyError:
                raise
            except Exception as error:  # a model may want to know N
                failed = failed or error
            else:
                return own[key, batch]
        raise ForwardError.of(x.shape, told(failed)) from failed


def _known(own: Mapping[Hashable, Trace], key: Hashable, x: Any) -> Trace | None:
    """Return the trace for any number of inputs, or for as many as these."""
    return own.get((key, None)) or own.get((key, x.shape[0]))


def _open(tensor: Any) -> Any:
    return tf.TensorSpec([None, None, *tensor.shape[2:]], tensor.dtype)


def _hashable(value: Any) -> Hashable:
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return (type(value), value)
