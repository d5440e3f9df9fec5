"""What is asked of a model: its outputs, their gradients, and those by a layer. Each is a graph."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from saliency.core.errors import ModelError, TargetError
from saliency.core.request import Request
from saliency.core.target import Target
from saliency.core.types import OutputOf, Rule
from saliency.tf.eager.model_outputs import Reading
from saliency.tf.eager.trace_cache import Traces
from saliency.tf.eager.tracing import Body, Notes
from saliency.tf.ops.gradients import differentiate
from saliency.tf.ops.logits import tell
from saliency.tf.ops.relu_rules import ruled
from saliency.tf.ops.scores import Scored
from saliency.tf.ops.spatial_layout import Grid

Feed: TypeAlias = Mapping[str, Any]

INPUT = "the input", "`x_value`"
"""What errors call it in words, and by its name in the user's call."""


class Questions:
    """The questions that are asked of one model.

    Args:
        reading: of the model's outputs and layers.
        traces: of the model.
    """

    def __init__(self, reading: Reading, traces: Traces) -> None:
        self._reading, self._traces = reading, traces

    def outputs(self, x: Any, request: Request) -> Any:
        """Return what scores are read off: (N, channels, *space), or for a function what the model gives."""
        target, feed = request.target, request.feed

        def body(notes: Notes, x: Any, feed: Feed) -> Any:
            return self._reading.of(self._reading.run(notes, x, feed, target.layers), target, notes)

        trace = self._traces.get(("outputs", *self._reading.about(target)), [], body, x, feed)
        tell(trace.notes)
        return trace(x, feed)

    def scores(self, x: Any, request: Request) -> Any:
        """Return scores (N * T,) at a target's places."""
        target = request.target
        times = target.per_input(x.shape[0])

        def body(notes: Notes, x: Any, feed: Feed, *places: Any) -> Any:
            seen = self._reading.of(self._reading.run(notes, x, feed, target.layers), target, notes)
            return _rows(seen, target), self._reading.scores(seen, x, target, times, *places).values

        return self._ask(("scores", *self._reading.about(target), times), body, x, request)[1][0]

    def gradients(self, x: Any, request: Request) -> tuple[Any, Any]:
        """Return scores (N * T,) and their gradients (N * T, *input), or by the input or output of a layer."""
        target, path, behind = request.target, self._reading.path_at(request.at), isinstance(request.at, OutputOf)
        times = target.per_input(x.shape[0])
        side = f"the {'output' if behind else 'input'} of layer {path!r}"
        of, name = INPUT if path is None else (side, side)

        def body(notes: Notes, x: Any, feed: Feed, *places: Any) -> Any:
            layers = [*target.layers, path] if behind else target.layers
            passed = self._reading.run(notes, x, feed, layers, None if behind else path)
            leaf, through = (x, None) if path is None else self._reading.given(passed, x, path, behind)
            seen = self._reading.of(passed, target, notes)
            scores = self._reading.scores(seen, x, target, times, *places)
            with ruled(leaf, scores.values, request.rule, request.allow_no_relu, of):
                gradients = differentiate(scores.ends, leaf, name, through)
            return _rows(seen, target), scores.values, tf.cast(gradients, self._reading.model.counted_in)

        about = ("gradients", *self._reading.about(target), times, request.allow_no_relu, path, behind)
        _, (scores, gradients) = self._ask(about, body, x, request, request.rule)
        if gradients.shape[:1] != scores.shape[:1]:
            does, shape = "gives" if behind else "takes", tuple(gradients.shape)
            raise TargetError(f"layer {path!r} {does} the shape {shape} for {len(scores)} score(s); `at` needs rows for them")
        return scores, gradients

    def features(self, x: Any, request: Request, grid: Grid) -> tuple[Any, ...]:
        """Return scores (N * T,), a layer's output (N, channels, *space) and the gradients (N * T, channels, *space).

        The last is whether any of the gradients is not zero.
        """

        def nothing(_x: Any, _scores: Scored) -> list[Any]:
            return []

        return self._at_layer("features", x, request, grid, request.rule, nothing)

    def features_and_gradients(self, x: Any, request: Request, grid: Grid) -> tuple[Any, ...]:
        """Return these without the rule; and with the rule the gradients (N * T, *input), from the same pass."""

        def by_input(x: Any, scores: Scored) -> list[Any]:
            with ruled(x, scores.values, request.rule, request.allow_no_relu):
                return [differentiate(scores.ends, x, INPUT[1])]

        return self._at_layer("features and gradients", x, request, grid, None, by_input)

    def _at_layer(
        self,
        kind: str,
        x: Any,
        request: Request,
        grid: Grid,
        rule: Rule | None,
        more: Callable[[Any, Scored], list[Any]],
    ) -> tuple[Any, ...]:
        """Differentiate by a layer's output with ``rule``, and add what ``more`` builds from the input and the scores."""
        target, path, counted_in = request.target, self._reading.path(request.layer), self._reading.model.counted_in
        times, name, allow_no_relu = target.per_input(x.shape[0]), f"layer {path!r}", request.allow_no_relu

        def body(notes: Notes, x: Any, feed: Feed, *places: Any) -> Any:
            passed = self._reading.run(notes, x, feed, [*target.layers, path])
            leaf = self._reading.tensor(passed, path, last=True)
            seen = self._reading.of(passed, target, notes)
            scores = self._reading.scores(seen, x, target, times, *places)
            with ruled(leaf, scores.values, rule, allow_no_relu, name):
                found = [grid.of(leaf, name), grid.of(differentiate(scores.ends, leaf, name), name)]
            counts = tf.reduce_max(tf.abs(found[1])) > 0  # several times as fast as reduce_any
            found += more(x, scores)
            return _rows(seen, target), scores.values, *(tf.cast(one, counted_in) for one in found), counts

        about = (kind, *self._reading.about(target), times, path, grid, allow_no_relu)
        return tuple(self._ask(about, body, x, request, request.rule)[1])

    def spatial_layers(self, x: Any, request: Request, grid: Grid) -> dict[Any, bool]:
        """Return the layers that the scores depend on and that have the input's spatial axes, in the order of their calls.

        Those of a model without layers are its operations. Each is told whether any of its gradients is not zero.
        """
        target = request.target
        times = target.per_input(x.shape[0])

        def body(notes: Notes, x: Any, feed: Feed, *places: Any) -> Any:
            passed = self._reading.run(notes, x, feed, None)
            seen = self._reading.of(passed, target, notes)
            scores = self._reading.scores(seen, x, target, times, *places).values
            named = {name: one for name, one in self._reading.named(passed, x, scores).items() if _suits(grid, one)}
            gradients = tf.gradients(scores, list(named.values())) if named else []
            found = {name: one for name, one in zip(named, gradients, strict=True) if one is not None}
            notes["names"] = list(found)
            counts = [tf.reduce_any(grid.of(tf.convert_to_tensor(one), name) != 0) for name, one in found.items()]
            return _rows(seen, target), *counts

        about = ("layers", *self._reading.about(target), times, grid)
        notes, counts = self._ask(about, body, x, request)
        return {name: bool(one) for name, one in zip(notes["names"], counts, strict=True)}

    def _ask(
        self, about: tuple[Any, ...], body: Body, x: Any, request: Request, rule: Rule | None = None
    ) -> tuple[Notes, Sequence[Any]]:
        """Return a question's notes and answers; the body answers first the ``_rows`` that the scores were read off."""
        target, feed = request.target, request.feed
        about, own = (*about, rule if isinstance(rule, str) else callable(rule)), [rule] if callable(rule) else []
        if target.function is not None:  # whose scores are checked by themselves
            trace = self._traces.get(about, [target.function, *own], body, x, feed)
            return trace.notes, trace(x, feed)[1:]
        places = tf.constant(target.positions(x.shape[0])), tf.constant(target.weights, self._reading.model.counted_in)
        trace = self._traces.get(about, own, body, x, feed, *places)
        tell(trace.notes)
        shape = trace.notes["shape"]
        if None in shape[1:]:  # what the graph does not know before it runs
            first = {name: value[:1] if np.ndim(value) else value for name, value in feed.items()}
            shape = self.outputs(x[:1], replace(request, feed=first)).shape
        target.check(shape)
        rows, *found = trace(x, feed, *places)
        if rows.shape[0] != x.shape[0]:
            shape = (rows.shape[0], *trace.notes["shape"][1:])
            raise ModelError(
                f"the model's output has the shape {shape} for {x.shape[0]} input(s); it must be ({x.shape[0]}, ...)"
            )
        return trace.notes, found


def _rows(seen: Any, target: Target) -> Any:
    """Return nothing for each input that an output is of: its shape is read without waiting for a device.

    What a function takes may be anything; its scores are checked by themselves.
    """
    return tf.zeros([0]) if target.function is not None else seen[:, :0]


def _suits(grid: Grid, output: Any) -> bool:
    known = isinstance(output, tf.Tensor) and output.dtype.is_floating and output.shape.rank is not None
    return known and grid.suits(tuple(output.shape))
