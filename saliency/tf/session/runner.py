"""What a session answers to the questions that are asked of a graph, for as many inputs at a time as the graph takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import ModelError, TargetError
from saliency.core.request import Request
from saliency.core.target import Target
from saliency.tf.ops.logits import tell
from saliency.tf.session.queries import Answer, GraphQuestions
from saliency.tf.session.session import Running

Arrays = npt.NDArray[Any]
Feed = Mapping[Any, Any]


@dataclass(frozen=True)
class Answers:
    """Answers in arrays.

    Args:
        running: of the graph.
        questions: that may be asked of it.
    """

    running: Running
    questions: GraphQuestions

    def outputs(self, x: Arrays, request: Request) -> Arrays:
        """Return what scores are read off, (N, channels, *space)."""
        _refuse_functions(request.target)
        answer = self.questions.outputs(request.target)
        tell(answer[1])
        (found,) = self._run(answer[0], [1], x, request)
        return np.asarray(found)

    def gradients(self, x: Arrays, request: Request) -> tuple[Arrays, Arrays]:
        """Return scores (N * T,) and their gradients (N * T, *input), or by an operation's input (N * T, ...)."""
        _refuse_functions(request.target)
        times = request.target.per_input(len(x))
        scores, gradients = self._read(self.questions.gradients(request, times), [times, times], x, request)
        return scores, gradients

    def features(self, x: Arrays, request: Request, leaf: Any, name: str) -> tuple[Arrays, Arrays, Arrays]:
        """Return scores (N * T,), the gradients (N * T, ...) by a layer's tensor, and this tensor (N, ...)."""
        _refuse_functions(request.target)
        times = request.target.per_input(len(x))
        answer = self.questions.features(request, times, leaf, name)
        scores, gradients, found = self._read(answer, [times, times, 1], x, request)
        return scores, gradients, found

    def layers(self, x: Arrays, request: Request, ranks: set[int]) -> dict[str, tuple[tuple[int, ...], bool]]:
        """Return each layer's shape (1, ...) and whether any of its gradients counts for the first input, by its name."""
        _refuse_functions(request.target)
        target = request.target.take(slice(request.target.per_input(len(x))))
        first = replace(request, target=target, feed=_first_rows(request.feed))
        answer = self.questions.layers(target, ranks)
        names = answer[1]["names"]
        found = self._read(answer, [None] * 2 * len(names), x[:1], first)
        shapes = [tuple(int(length) for length in shape) for shape in found[: len(names)]]
        counts = [bool(one) for one in found[len(names) :]]
        return dict(zip(names, zip(shapes, counts, strict=True), strict=True))

    def _read(self, answer: Answer, rows: Sequence[int | None], x: Arrays, request: Request) -> list[Any]:
        """Run a question in which scores are read off an output, at the places of a target."""
        tell(answer[1])
        shape = answer[1]["shape"]
        if None in shape[1:]:  # what the graph does not know before it runs
            shape = self.outputs(x[:1], replace(request, feed=_first_rows(request.feed))).shape
        request.target.check(shape)
        return self._run(answer[0], rows, x, request)

    def _run(self, tensors: list[Any], rows: Sequence[int | None], x: Arrays, request: Request) -> list[Any]:
        """Fetch tensors for all inputs, as many at a time as may be; ``rows`` tells how many each has of an input."""
        target, others = request.target, self.running.check(x, request.feed)
        apart = any(getattr(value, "shape", ()) for value in others.values())
        size = 1 if apart or self.questions.one_row(target) else self.running.batch or len(x)
        parts = []
        for start in range(0, len(x), size):
            fed = {key: value[start] if getattr(value, "shape", ()) else value for key, value in others.items()}
            times, some = target.per_input(len(x)), x[start : start + size]
            one = target.take(slice(start * times, (start + len(some)) * times))
            found = self._fetch(tensors, len(rows), some, one, fed)
            _check_rows(found, rows, {len(some), self.running.batch or len(some)})
            parts.append([a if row is None else a[: len(some) * row] for a, row in zip(found, rows, strict=True)])
        return parts[0] if len(parts) == 1 else [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]

    def _fetch(self, tensors: list[Any], wanted: int, x: Arrays, target: Target, fed: Feed) -> list[Any]:
        """Fetch the last of a question's tensors, whose first say where scores are read, if any are."""
        sizes, asked, more = tensors[0], tensors[:-wanted] if wanted else tensors, {}
        if asked:
            sizes, places, weights = asked
            more = {places: target.positions(len(x)), weights: target.weights}
        size, *found = self.running([sizes, *tensors[len(asked) :]], x, fed, more)
        rows, fit = int(size[0]) if asked else len(size), self.running.batch or len(x)
        if rows != fit:
            y = self.questions.read_from(target)
            alone = "; if it is of one input alone, batch_size=1 hands over no more" if rows == 1 else ""
            raise ModelError(f"`y` ({y.name!r}) has {rows} row(s) for {fit} input(s); it must have one for each{alone}")
        return [np.asarray(one) for one in found]


def _first_rows(feed: Feed) -> dict[Any, Any]:
    return {key: value[:1] if getattr(value, "shape", ()) else value for key, value in feed.items()}


def _check_rows(found: list[Any], rows: Sequence[int | None], inputs: set[int]) -> None:
    """Refuse what is not of so many inputs, given or taken by the graph at a time, ``rows`` of it for each.

    Raises:
        TargetError: if it is a layer's that has something else on its first axis.
    """
    for array, row in zip(found, rows, strict=True):
        if row is not None and (array.ndim == 0 or len(array) not in {n * row for n in inputs}):
            raise TargetError(
                f"the layer has, or takes, an array of the shape {array.shape} for {max(inputs)} input(s); its first axis "
                "must be theirs"
            )


def _refuse_functions(target: Target) -> None:
    if target.function is not None:
        raise TargetError("`y` is a callable; compute its number within the graph, and give that tensor as `y`")
