"""Feed a user's session, run it, and translate its errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from saliency.core.errors import InputError, ModelError
from saliency.core.interrupts import deliver_interrupts
from saliency.tf.session.tensor_lookup import resolve_tensor
from saliency.tf.session.variable_restore import restore_assigned_variables


@dataclass(frozen=True)
class NonArrayValue:
    """A value to feed that is no array, such as a ``SparseTensorValue``. It has no shape, so it is never split by inputs."""

    value: Any


@dataclass(frozen=True)
class GraphSession:
    """A graph, its session and its input.

    Args:
        graph: the user's graph.
        session: a session of this graph.
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
        """The number of inputs that the graph requires; None for any number."""
        return None if self.x.shape.rank is None else self.x.shape.as_list()[0]

    def check_feed(self, x: npt.NDArray[Any], feed: Mapping[Any, Any]) -> dict[Any, Any]:
        """Return the other inputs by tensor.

        Raises:
            InputError: if ``x`` does not have the shape of the input tensor, or a key of ``feed`` can't be fed.
        """
        expected = x.shape[1:] if self.x.shape.rank is None else tuple(self.x.shape.as_list()[1:])
        if len(expected) != x.ndim - 1 or any(a not in (None, b) for a, b in zip(expected, x.shape[1:], strict=True)):
            raise InputError(
                f"`x_value` (shape {x.shape[1:]}) must have the shape {expected} of `x` ({self.x.name!r}), without its batch "
                "axis"
            )
        by_tensor = {self._feed_tensor(key): value for key, value in feed.items()}
        if any(tensor is self.x for tensor in by_tensor):
            raise InputError(f"`feed_dict` must not hold {self.x.name!r}, which is `x`: pass its value as `x_value`")
        return by_tensor

    def run(self, fetches: Sequence[Any], x: npt.NDArray[Any], feed: Mapping[Any, Any], more: Mapping[Any, Any]) -> list[Any]:
        """Fetch tensors for n inputs. If the graph requires more inputs, the last one is repeated.

        Args:
            fetches: tensors of the graph.
            x: (n, *input).
            feed: the other inputs by tensor, as ``check_feed`` returns them. They are fed unchanged.
            more: further arrays by tensor.

        Raises:
            InputError: if the session rejects a fed value, or an operation fails.
            ModelError: if the session can't run.
        """
        missing = (self.batch or len(x)) - len(x)
        x = np.concatenate([x, np.repeat(x[-1:], missing, axis=0)]) if missing else x
        values = {key: value.value if isinstance(value, NonArrayValue) else value for key, value in feed.items()}
        failure = f"the graph failed for `x_value` of shape {x.shape[1:]}, {len(x)} at a time"
        deliver_interrupts()
        try:
            with restore_assigned_variables(self.graph, self.session, fetches):
                results: list[Any] = self.session.run(list(fetches), feed_dict={**values, **more, self.x: x})
        except tf.errors.ResourceExhaustedError:
            raise
        except tf.errors.FailedPreconditionError as error:
            raise ModelError(f"`session` is not ready; are its variables initialized? {_message_line(error)}") from error
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise InputError(f"{failure}: {type(error).__name__}: {_message_line(error)}") from error
        except RuntimeError as error:  # a closed session
            raise ModelError(f"`session` can't run; pass an open session: {_message_line(error)}") from error
        return results

    def _feed_tensor(self, key: Any) -> Any:
        if isinstance(key, tf.SparseTensor) and key.graph is self.graph:
            return key
        return resolve_tensor(self.graph, key, f"feed_dict[{key!r}]" if isinstance(key, str) else "feed_dict")


def _message_line(error: BaseException) -> str:
    """Return the line that says what went wrong. In a session's errors it follows a traceback and the node's name."""
    text = str(getattr(error, "message", "") or error)
    before, _, after = text.rpartition("\nNode: ")
    lines = [line.strip() for line in after.splitlines()]
    return f"{lines[1]} (node {lines[0]})" if before and len(lines) > 1 else next(filter(None, lines), "")
