"""Run queries in a session, for as many inputs at a time as the graph accepts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.adapter_request import Request
from saliency.core.errors import ModelError, TargetError
from saliency.core.target import Target
from saliency.tf.ops.last_spatial_layer import CalledLayer, read_called_layers
from saliency.tf.ops.pre_softmax_logits import warn_of_hidden_logits
from saliency.tf.ops.relu_rules import warn_of_relus_in_gates
from saliency.tf.ops.spatial_layout import SpatialLayout
from saliency.tf.session.graph_session import GraphSession
from saliency.tf.session.op_cache import QueryTensors
from saliency.tf.session.queries import GraphQueries

Arrays = npt.NDArray[Any]
Feed = Mapping[Any, Any]


@dataclass(frozen=True)
class SessionRunner:
    """Runs queries and returns arrays.

    Args:
        session: the graph's session.
        queries: the queries on the graph.
    """

    session: GraphSession
    queries: GraphQueries

    def outputs(self, x: Arrays, request: Request) -> Arrays:
        """Return the output that scores are read from, (N, channels, *space)."""
        _refuse_functions(request.target)
        query = self.queries.outputs(request.target)
        warn_of_hidden_logits(query.info)
        (output,) = self._run(query.tensors, [1], x, request)
        return np.asarray(output)

    def gradients(self, x: Arrays, request: Request) -> tuple[Arrays, Arrays]:
        """Return scores (N * T,) and gradients (N * T, ...) with respect to the input, or to ``request.at``."""
        _refuse_functions(request.target)
        times = request.target.per_input(len(x))
        scores, gradients = self._run_scored(self.queries.gradients(request, times), [times, times], x, request)
        return scores, gradients

    def features(self, x: Arrays, request: Request, layer: Any, name: str) -> tuple[Arrays, Arrays, Arrays]:
        """Return scores (N * T,), the gradients (N * T, ...) with respect to a layer's tensor, and this tensor (N, ...)."""
        _refuse_functions(request.target)
        times = request.target.per_input(len(x))
        query = self.queries.features(request, times, layer, name)
        scores, gradients, features = self._run_scored(query, [times, times, 1], x, request)
        return scores, gradients, features

    def layers(self, x: Arrays, request: Request, layout: SpatialLayout) -> dict[str, CalledLayer]:
        """Return the layers that may hold the input's positions, by name; their gradients are those of the first input."""
        _refuse_functions(request.target)
        target = request.target.take(slice(request.target.per_input(len(x))))
        first = replace(request, target=target, feed=_first_rows(request.feed))
        query = self.queries.layers(target, layout)
        layers = query.info.layers
        return read_called_layers(layers, self._run_scored(query, [None] * len(layers), x[:1], first))

    def _run_scored(self, query: QueryTensors, rows: Sequence[int | None], x: Arrays, request: Request) -> list[Any]:
        """Run a query that reads scores, after a check of the target's indices."""
        warn_of_hidden_logits(query.info)
        warn_of_relus_in_gates(query.info, request.rule)
        shape = query.info.output_shape
        if None in shape[1:]:  # known only once the graph runs
            shape = self.outputs(x[:1], replace(request, feed=_first_rows(request.feed))).shape
        request.target.check(shape)
        return self._run(query.tensors, rows, x, request)

    def _run(self, tensors: list[Any], rows: Sequence[int | None], x: Arrays, request: Request) -> list[Any]:
        """Fetch a query's results for all inputs, in batches.

        Args:
            tensors: the query's tensors; the last ``len(rows)`` are its results.
            rows: number of rows that each result has for an input; None if its rows are not the inputs'.
            x: (N, *input).
            request: the request.
        """
        target, feed = request.target, self.session.check_feed(x, request.feed)
        one_by_one = any(getattr(value, "shape", ()) for value in feed.values())
        size = 1 if one_by_one or self.queries.has_single_row(target) else self.session.batch or len(x)
        batches = []
        for start in range(0, len(x), size):
            batch_feed = {key: value[start] if getattr(value, "shape", ()) else value for key, value in feed.items()}
            times, batch = target.per_input(len(x)), x[start : start + size]
            batch_target = target.take(slice(start * times, (start + len(batch)) * times))
            results = self._fetch(tensors, len(rows), batch, batch_target, batch_feed)
            _check_rows(results, rows, {len(batch), self.session.batch or len(batch)})
            cut = [a if row is None else a[: len(batch) * row] for a, row in zip(results, rows, strict=True)]
            batches.append(cut)
        return batches[0] if len(batches) == 1 else [np.concatenate(arrays) for arrays in zip(*batches, strict=True)]

    def _fetch(self, tensors: list[Any], n_results: int, x: Arrays, target: Target, feed: Feed) -> list[Any]:
        """Fetch the last tensors of a query. Its first ones are the score placeholders, if it reads scores."""
        placeholders, indices_feed = tensors[:-n_results] if n_results else tensors, {}
        output_or_shape = tensors[0]
        if placeholders:
            output_or_shape, indices, weights = placeholders
            indices_feed = {indices: target.positions(len(x)), weights: target.weights}
        first, *results = self.session.run([output_or_shape, *tensors[len(placeholders) :]], x, feed, indices_feed)
        rows, expected = int(first[0]) if placeholders else len(first), self.session.batch or len(x)
        if rows != expected:
            y = self.queries.score_source(target)
            hint = "; if `y` depends on one input only, pass batch_size=1" if rows == 1 else ""
            raise ModelError(f"`y` ({y.name!r}) has {rows} row(s) for {expected} input(s); it must have one for each{hint}")
        return [np.asarray(result) for result in results]


def _first_rows(feed: Feed) -> dict[Any, Any]:
    return {key: value[:1] if getattr(value, "shape", ()) else value for key, value in feed.items()}


def _check_rows(results: list[Any], rows: Sequence[int | None], batch_sizes: set[int]) -> None:
    """Check the number of rows of each result.

    Args:
        results: arrays.
        rows: number of rows that each result has for an input; None is not checked.
        batch_sizes: the accepted numbers of inputs: given, or fed to the graph.

    Raises:
        TargetError: if a layer's tensor does not have the inputs on its first axis.
    """
    for array, row in zip(results, rows, strict=True):
        if row is not None and (array.ndim == 0 or len(array) not in {n * row for n in batch_sizes}):
            raise TargetError(
                f"the layer outputs, or takes, an array of the shape {array.shape} for {max(batch_sizes)} input(s); its first "
                "axis must be the batch axis"
            )


def _refuse_functions(target: Target) -> None:
    if target.function is not None:
        raise TargetError("`y` is a callable or a Box; compute its number within the graph, and pass that tensor as `y`")
