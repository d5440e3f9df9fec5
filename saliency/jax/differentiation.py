"""Differentiate the scores of a query with respect to the input, or to a value of its graph."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp

from saliency.core.errors import MemoryShortage, SaliencyError, TargetError
from saliency.core.user_grid import UserGrid
from saliency.jax.graph import Evaluate, interpret
from saliency.jax.queries import Query


def score_gradients(query: Query, eqn: Any, by: Evaluate, axis: int) -> Callable[..., tuple[Any, Any, Any]]:
    """Return a function of the arguments of a query that JAX can compile.

    Args:
        query: the query.
        eqn: the equation whose value is the leaf of the gradients; None means the input.
        by: evaluates each equation, under a rule for ReLUs or not.
        axis: the axis of the samples in the leaf.

    Returns:
        A function of the arguments, of the places of the target, and optionally of the leaf's new values. It returns the
        scores (N * T,), the leaf, and the gradients by it with N * T samples on that axis.
    """

    def differentiate(flat: list[Any], places: list[Any], new: Any = None) -> tuple[Any, Any, Any]:
        def scores(leaf: Any) -> tuple[Any, Any]:
            values = [leaf]

            def with_offset(one: Any, given: list[Any]) -> Sequence[Any]:
                if one is not eqn:
                    return by(one, given)
                values.append(given[0] if new is None else leaf)
                return [given[0] + leaf if new is None else leaf]

            inputs = [leaf if eqn is None and i == query.place else value for i, value in enumerate(flat)]
            return interpret(query.graph, [*inputs, *places], with_offset)[0], values[-1]

        aval = query.x.aval if eqn is None else eqn.outvars[0].aval
        start = (
            flat[query.place] if eqn is None else jnp.zeros(aval.shape, aval.dtype) if new is None else new.astype(aval.dtype)
        )
        found, backward, value = jax.vjp(scores, start, has_aux=True)
        targets = jnp.arange(len(found)).reshape(query.n, -1).T  # the scores of the same target of each input are one pass
        gradients = [backward(jnp.isin(jnp.arange(len(found)), one).astype(found.dtype))[0] for one in targets]
        return found, value, jnp.stack(gradients, axis + 1).reshape(*value.shape[:axis], -1, *value.shape[axis + 1 :])

    return differentiate


def unknown_grid(path: str, shape: tuple[int, ...], stated: UserGrid | None) -> TargetError:
    """Return the error for a layer's output that is not known to hold the positions of the input."""
    way_on = (
        stated.requirement
        if stated is not None
        else (
            "it is not known to hold the positions of the whole input. Name another layer= or state the positions: "
            "grid=(rows, columns) and tokens=slice(...) for tokens, or reshape=, a function that returns (N, channels, *space)"
        )
    )
    return TargetError(f"layer {path!r} outputs the shape {shape}; {way_on}")


@contextmanager
def translate_errors(x: Any) -> Iterator[None]:
    """Translate a shortage of memory within the block; x is (N, *input)."""
    try:
        yield
    except SaliencyError:
        raise
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise MemoryShortage(f"{len(x)} input(s) of shape {x.shape[1:]} at once do not fit into memory") from error
