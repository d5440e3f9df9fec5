"""Compute the pieces of a run on the workers of a cluster, such as the figures of a command."""

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from saliency.ray.cluster import Cluster
from saliency.ray.installation import import_ray

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def compute_pieces(
    build: Callable[..., Callable[[Piece], Result]],
    arguments: tuple[Any, ...],
    pieces: Iterable[tuple[int, Piece]],
    cluster: Cluster,
) -> Iterator[tuple[int, Result]]:
    """Yield the results of pieces in the order in which they are finished; Ray repeats those of a worker that was lost.

    Args:
        build: a function or class at the top level of a module; ``build(*arguments)`` is called once in each worker, and
            returns the function that computes a piece.
        arguments: its arguments, which can be pickled.
        pieces: number and value of each piece, small values that can be pickled, such as the indices of stimuli.
        cluster: the workers; see ``connect``.

    Raises:
        ImportError: if Ray is not installed.
        Exception: the first exception of ``build`` or of a piece, as in this process.
    """
    data = import_ray("ray.data")
    rows = [{"number": number, "piece": pickle.dumps(piece)} for number, piece in pieces]
    if not rows:
        return
    dataset = data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        _PieceWorker, fn_constructor_args=(build, arguments), batch_size=1, batch_format="numpy", **cluster.words
    )
    for row in dataset.iter_rows():
        outcome = pickle.loads(row["outcome"])  # noqa: S301 - written by our own worker
        if isinstance(outcome, _Failed):
            raise outcome.error
        yield int(row["number"]), outcome


class _Failed:
    """The exception of a piece, which the driver raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _PieceWorker:
    """Compute pieces in a worker; an exception is a result, because Ray would repeat the piece and print its traceback."""

    def __init__(self, build: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
        self._compute: Callable[[Any], Any] | _Failed
        try:
            self._compute = build(*arguments)
        except Exception as error:
            self._compute = _Failed(error)

    def __call__(self, batch: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        outcomes = [_pickled(self._outcome(pickle.loads(piece))) for piece in batch["piece"]]  # noqa: S301 - of the driver
        return {"number": batch["number"], "outcome": np.array(outcomes, object)}

    def _outcome(self, piece: Any) -> Any:
        if isinstance(self._compute, _Failed):
            return self._compute
        try:
            return self._compute(piece)
        except Exception as error:
            return _Failed(error)


def _pickled(outcome: Any) -> bytes:
    try:
        return pickle.dumps(outcome)
    except Exception as error:  # whatever an exception with arguments of its own raises
        reason = outcome.error if isinstance(outcome, _Failed) else error
        return pickle.dumps(_Failed(RuntimeError(f"{type(reason).__name__}: {reason}")))
