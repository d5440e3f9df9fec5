"""A user's session: what it is fed, and its errors in this library's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from saliency.core.errors import InputError, ModelError
from saliency.tf.session.tensor_lookup import tensor_of


@dataclass(frozen=True)
class Held:
    """A value for the session that is no array, such as a ``SparseTensorValue``: it has no shape, so nothing cuts it up."""

    value: Any


@dataclass(frozen=True)
class Running:
    """Runs a graph on inputs.

    Args:
        graph: the user's.
        session: of this graph.
        x: tensor that the inputs are fed to, (N or None, *input).
    """

    graph: Any
    session: Any
    x: Any

    def __post_init__(self) -> None:
        if not isinstance(self.graph, tf.Graph):
            raise InputError(f"`graph` ({type(self.graph).__name__}) must be a tf.Graph")
        if getattr(self.session, "graph", None) is not self.graph:
            raise InputError(f"`session` ({type(self.session).__name__}) must be a session of `graph`; it runs another one")

    @property
    def batch(self) -> int | None:
        """How many inputs the graph takes at a time; None for any number."""
        return None if self.x.shape.rank is None else self.x.shape.as_list()[0]

    def check(self, x: npt.NDArray[Any], feed: Mapping[Any, Any]) -> dict[Any, Any]:
        """Return the other inputs by their tensors.

        Raises:
            InputError: if the inputs do not have the shape of ``x``, or one of the others can't be fed.
        """
        wanted = x.shape[1:] if self.x.shape.rank is None else tuple(self.x.shape.as_list()[1:])
        if len(wanted) != x.ndim - 1 or any(a not in (None, b) for a, b in zip(wanted, x.shape[1:], strict=True)):
            raise InputError(
                f"`x_value` (shape {x.shape[1:]}) must have the shape {wanted} of `x` ({self.x.name!r}) without its batch axis"
            )
        others = {self._key(name): value for name, value in feed.items()}
        if any(key is self.x for key in others):
            raise InputError(f"`feed_dict` holds {self.x.name!r}, which is `x`: it is fed with `x_value`")
        return others

    def __call__(
        self, fetches: Sequence[Any], x: npt.NDArray[Any], others: Mapping[Any, Any], more: Mapping[Any, Any]
    ) -> list[Any]:
        """Fetch tensors for n inputs; where the graph wants more, the last one is repeated.

        Args:
            fetches: of the graph.
            x: (n, *input).
            others: values by tensor, as ``check`` returns them; arrays go in as they are.
            more: arrays by tensor.

        Raises:
            InputError: if the session refuses what it is fed, or an operation fails.
            ModelError: if the session can't run.
        """
        missing = (self.batch or len(x)) - len(x)
        x = np.concatenate([x, np.repeat(x[-1:], missing, axis=0)]) if missing else x
        fed = {key: value.value if isinstance(value, Held) else value for key, value in others.items()}
        what = f"the graph failed for `x_value` of shape {x.shape[1:]}, {len(x)} at a time"
        try:
            found: list[Any] = self.session.run(list(fetches), feed_dict={**fed, **more, self.x: x})
        except tf.errors.ResourceExhaustedError:
            raise
        except tf.errors.FailedPreconditionError as error:
            raise ModelError(f"`session` is not ready, are its variables initialized? {_told(error)}") from error
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise InputError(f"{what}: {type(error).__name__}: {_told(error)}") from error
        except RuntimeError as error:  # a closed session's
            raise ModelError(f"`session` can't run, give an open one: {_told(error)}") from error
        return found

    def _key(self, name: Any) -> Any:
        if isinstance(name, tf.SparseTensor) and name.graph is self.graph:
            return name
        return tensor_of(self.graph, name, f"feed_dict[{name!r}]" if isinstance(name, str) else "feed_dict")


def _told(error: BaseException) -> str:
    """Return the line that says what went wrong; in a session's errors it stands behind a traceback and the node's name."""
    text = str(getattr(error, "message", "") or error)
    before, _, after = text.rpartition("\nNode: ")
    lines = [line.strip() for line in after.splitlines()]
    return f"{lines[1]} (node {lines[0]})" if before and len(lines) > 1 else next(filter(None, lines), "")
