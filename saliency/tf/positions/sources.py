"""What a rule reads of an operation's inputs."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from saliency.tf.positions.state import Positions, Shape


class Sources(Protocol):
    """The tensors of a graph whose positions are followed."""

    def of(self, tensor: Any) -> Positions | None:
        """Return the positions of a tensor, or None."""

    def shape(self, tensor: Any) -> Shape | None:
        """Return the shape of a tensor, None if a length is not known."""

    def constant(self, tensor: Any) -> Any:
        """Return the value of an integer tensor as an array, None if it is not known."""


Result: TypeAlias = "Positions | Sequence[Positions | None] | None"
"""The positions of an operation's first output, or of each output."""

Rule: TypeAlias = Callable[[Any, Positions, Sources], Result]
"""Returns the positions of an operation's result; takes the operation and the positions of its first input."""


class UnknownShape(Exception):  # noqa: N818 - control flow, never seen by a user
    """A number that a rule needs is not known before the graph runs."""


def number(tensor: Any, sources: Sources) -> Any:
    """Return the value of an integer tensor.

    Raises:
        UnknownShape: if it is not known.
    """
    value = sources.constant(tensor)
    if value is None:
        raise UnknownShape
    return value


def shape_of(tensor: Any, sources: Sources) -> Shape:
    """Return the shape of a tensor.

    Raises:
        UnknownShape: if it is not known.
    """
    shape = sources.shape(tensor)
    if shape is None:
        raise UnknownShape
    return shape


def axes_of(tensor: Any, rank: int, sources: Sources) -> tuple[int, ...]:
    """Return axes that a tensor holds, counted from the front."""
    return tuple(int(axis) % rank for axis in np.atleast_1d(number(tensor, sources)))
