"""Operations that are added to a user's graph: each question's once, for as long as the graph lives."""

import weakref
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import tensorflow as tf

from saliency.core.errors import ModelError, SaliencyError
from saliency.tf.eager.forward import LOCK
from saliency.tf.eager.tracing import Notes
from saliency.tf.ops.error_translation import told

Build: TypeAlias = Callable[[Notes], Sequence[Any]]
"""From notes, which it may add to, to tensors of the graph that is being built; what it notes must not hold a tensor."""


@dataclass(frozen=True)
class _Kept:
    """A question's tensors by name, for a tensor would hold the graph; or why there are none."""

    names: list[str] = field(default_factory=list)
    notes: Notes = field(default_factory=dict)
    failure: tuple[type[SaliencyError], str] | None = None


_kept: "weakref.WeakKeyDictionary[tf.Graph, dict[Hashable, _Kept]]" = weakref.WeakKeyDictionary()


def built(graph: tf.Graph, question: Hashable, build: Build) -> tuple[list[Any], Notes]:
    """Return a question's tensors and notes; the first time, its operations are added to the graph.

    Args:
        graph: the user's; a finalized one is finalized again.
        question: all that makes two answers differ.
        build: adds the operations.

    Raises:
        SaliencyError: what ``build`` raised, now or the first time: a question that has no answer adds operations once.
    """
    with LOCK:
        answers = _kept.setdefault(graph, {})
        if question not in answers:
            answers[question] = _answer(graph, build)
        kept = answers[question]
    if kept.failure is not None:
        kind, message = kept.failure
        raise kind(message)
    return [graph.get_tensor_by_name(name) for name in kept.names], kept.notes


def _answer(graph: tf.Graph, build: Build) -> _Kept:
    notes: Notes = {}
    with _open(graph):
        try:
            return _Kept([tensor.name for tensor in build(notes)], notes)
        except SaliencyError as error:
            return _Kept(failure=(type(error), str(error)))
        except Exception as error:
            return _Kept(failure=(ModelError, f"TensorFlow can't differentiate this graph: {told(error)}"))


@contextmanager
def _open(graph: tf.Graph) -> Iterator[None]:
    """Add operations to a graph within the block, outside of any scope that its user may be in."""
    finalized = graph.finalized
    if finalized:
        graph._unsafe_unfinalize()
    try:
        with graph.as_default(), graph.control_dependencies(None), graph.device(None), graph.name_scope("saliency/"):
            yield
    finally:
        if finalized:
            graph.finalize()
