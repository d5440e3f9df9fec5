"""Cache the graphs of the queries on a model, for as long as the model lives."""

import weakref
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import tensorflow as tf

from saliency.core.errors import ForwardError, SaliencyError, TargetError
from saliency.core.output_selection import OutputSelector
from saliency.tf.eager.model_fingerprint import Fingerprint
from saliency.tf.eager.tracing import GraphBuilder, Trace, build_trace
from saliency.tf.ops.error_translation import summarize_error
from saliency.tf.ops.tracing_lock import TRACING_LOCK

_caches: "weakref.WeakKeyDictionary[Any, dict[Hashable, TraceCache]]" = weakref.WeakKeyDictionary()
"""Model -> the adapter's options -> the cache."""


class _TraceStore:
    """Traces by their keys; those that contain a user's function are stored by this function, for as long as it lives."""

    def __init__(self) -> None:
        self.traces: dict[Hashable, Trace] = {}
        self.by_function: weakref.WeakKeyDictionary[Any, _TraceStore] = weakref.WeakKeyDictionary()


class TraceCache:
    """The traces of one model. They hold the model's variables, not the model."""

    def __init__(self, fingerprint: Fingerprint = (), compiled: bool = False) -> None:
        self.fingerprint, self._compiled = fingerprint, compiled
        self._store = _TraceStore()
        self._inlining_mode = 0
        self.output_selector = OutputSelector()
        self.failed: set[Hashable] = set()  # kinds of optional graphs that can't be built, see ``OccludedForward``
        self.last_layers: dict[Any, Any] = {}  # by the kinds of inputs and targets, see ``LastLayers``

    @classmethod
    def of(cls, owner: Any, options: Hashable, fingerprint: Fingerprint, compiled: bool) -> "TraceCache":
        """Return the cache of a model; a new one if the model's fingerprint has changed.

        Args:
            owner: the model.
            options: the adapter's options. Adapters with other options do not share traces.
            fingerprint: see ``fingerprint_of``.
            compiled: compile with XLA.
        """
        with TRACING_LOCK:
            try:
                caches = _caches.setdefault(owner, {})
            except TypeError:  # the model supports no weak references
                return cls(fingerprint, compiled)
            if options not in caches or caches[options].fingerprint != fingerprint:
                caches[options] = cls(fingerprint, compiled)
            return caches[options]

    def get(
        self, query_key: Hashable, functions: Sequence[Any], builder: GraphBuilder, x: Any, feed: Mapping[str, Any], *more: Any
    ) -> Trace:
        """Return the trace of a query, built on the first call.

        Args:
            query_key: what distinguishes the query's graph, except the shapes and types of the tensors.
            functions: the user's functions that become part of the graph.
            builder: builds the graph.
            x: (N, *input). The graph accepts any N, unless the model or a function requires a known N.
            feed: the other inputs.
            *more: the builder's further tensors. The graph accepts any length of their first two axes.
        """
        traces = self._traces_with(functions)
        specs, plain = {}, []
        for name, value in sorted(feed.items()):
            if isinstance(value, tf.Tensor):
                specs[name] = tf.TensorSpec([None, *value.shape[1:]] if value.shape.rank else [], value.dtype)
            else:
                plain.append((name, _hashable(value)))
        key = (query_key, x.shape[1:], x.dtype, tuple(specs.items()), tuple(plain))
        trace = _find_trace(traces, key, x)
        if trace is not None:
            return trace
        with TRACING_LOCK:
            inputs = {**specs, **{name: feed[name] for name, _ in plain}}
            return self._build(traces, key, builder, x, inputs, [_open_spec(tensor) for tensor in more], bool(functions))

    def _traces_with(self, functions: Sequence[Any]) -> dict[Hashable, Trace]:
        store = self._store
        with suppress(TypeError):
            for function in functions:
                store = store.by_function.setdefault(function, _TraceStore())
            return store.traces
        return {}  # a function that supports no weak references is traced on every call

    def _build(
        self,
        traces: dict[Hashable, Trace],
        key: Hashable,
        builder: GraphBuilder,
        x: Any,
        feed: Mapping[str, Any],
        more: list[Any],
        with_functions: bool,
    ) -> Trace:
        trace = _find_trace(traces, key, x)  # another thread may have built it while this one waited for the lock
        if trace is not None:
            return trace
        failure: Exception | None = None
        for batch in (None, x.shape[0]):
            try:
                spec = tf.TensorSpec([batch, *x.shape[1:]], x.dtype)
                traces[key, batch], self._inlining_mode = build_trace(
                    builder, spec, feed, more, self._inlining_mode, self._compiled
                )
            except TargetError:  # a callable `y` may require a known N: it may hold one number for each of N inputs
                if batch is not None or not with_functions:
                    raise
            except SaliencyError:
                raise
            except Exception as error:  # the model may require a known N
                failure = failure or error
            else:
                return traces[key, batch]
        raise ForwardError.of(x.shape, summarize_error(failure)) from failure


def _find_trace(traces: Mapping[Hashable, Trace], key: Hashable, x: Any) -> Trace | None:
    """Return the trace for any number of inputs, or the one for exactly this number."""
    return traces.get((key, None)) or traces.get((key, x.shape[0]))


def _open_spec(tensor: Any) -> Any:
    return tf.TensorSpec([*[None, None][: tensor.shape.rank], *tensor.shape[2:]], tensor.dtype)


def _hashable(value: Any) -> Hashable:
    """Return what distinguishes a plain value from others, with the contents of lists, tuples, mappings and arrays."""
    if isinstance(value, list | tuple):
        return (type(value), *map(_hashable, value))
    if isinstance(value, Mapping):
        return (type(value), *((key, _hashable(one)) for key, one in value.items()))
    if hasattr(value, "__array__") and hasattr(value, "dtype"):
        array = np.asarray(value)
        return type(value), str(array.dtype), array.shape, array.tobytes()
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return (type(value), value)
