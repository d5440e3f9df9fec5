"""Gradients of a function by its vector-Jacobian product, which the user provides."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.adapter_request import Request
from saliency.core.errors import InputError, ModelError, one_line
from saliency.core.target import Target

Array = npt.NDArray[Any]

TERMS_ONLY = (
    "a function with `vjp` is explained for classes, channels or units of its output, not for a callable `y`: let the "
    "function return that score as one more output"
)


def checked_vjp(name: str, function: Any) -> Callable[..., Any] | None:
    """Return an option that must be a function or None.

    Raises:
        InputError: if it is anything else.
    """
    if function is not None and not callable(function):
        raise InputError(f"`{name}` ({type(function).__name__}) must be a function (x, cotangent), or None")
    checked: Callable[..., Any] | None = function
    return checked


def check_request(request: Request) -> None:
    """Check that a vector-Jacobian product suffices for a request.

    Raises:
        ModelError: if it needs the ReLUs or the layers of the function.
    """
    if request.rule is not None:
        raise ModelError(
            "`model` is a function with `vjp`, whose ReLUs are not known: guided backpropagation and the deconvnet need them. "
            "Use Vanilla, or an adapter of your own that applies the rule"
        )
    if request.at is not None or request.layer is not None or request.target.layer is not None:
        raise ModelError("`model` is a function with `vjp`, which has no layers by name: leave out `layer` and `at`")
    if request.target.function is not None:
        raise ModelError(TERMS_ONLY)


def pull_back(pull: Callable[[Array], tuple[Array, ...]], outputs: Array, target: Target) -> tuple[Array, ...]:
    """Differentiate the scores of N inputs, one of each input's T targets after the other.

    Args:
        pull: from a cotangent, of the shape of the outputs, to arrays (N, ...).
        outputs: (N, classes, *space).
        target: classes, channels or units, N * T of them.

    Returns:
        For each array of ``pull``, (N * T, ...), the T entries of an input one after the other.
    """
    n, per_input = len(outputs), target.per_input(len(outputs))
    outputs, shape = (outputs[:, None] if outputs.ndim == 1 else outputs), outputs.shape
    samples = [range(t, n * per_input, per_input) for t in range(per_input)]
    found = [pull(score_cotangent(outputs, target, one).reshape(shape)) for one in samples]
    return tuple(np.stack(parts, axis=1).reshape(n * per_input, *parts[0].shape[1:]) for parts in zip(*found, strict=True))


def score_cotangent(outputs: Array, target: Target, samples: range) -> Array:
    """Return the derivative of one score of each input with respect to the outputs (N, classes, *space).

    A score is a weighted sum of units, or of channels averaged over their positions.
    """
    result = np.zeros(outputs.shape, np.result_type(outputs.dtype, np.float32))
    for i, sample in enumerate(samples):
        for unit, weight in zip(target.units[sample], target.weights[sample], strict=True):
            positions = result[(i, *unit)]
            result[(i, *unit)] += weight / np.size(positions)
    return result


def call_vjp(
    function: Callable[..., Any], name: str, x: Array, feed: Mapping[str, Any], count: int, cotangent: Array
) -> tuple[Array, ...]:
    """Call a user's function ``(x, cotangent)`` with copies, and check what it returns.

    Args:
        function: the user's function.
        name: its name in an error.
        x: (N, *input).
        feed: the model's other inputs.
        count: number of arrays that it returns.
        cotangent: of the shape of the model's output.

    Raises:
        InputError: if it fails, or does not return finite arrays (N, ...); the gradient must have the shape of x.
    """
    try:
        returned = function(x.copy(), cotangent, **feed)
        found = [np.array(one) for one in (returned if count > 1 else [returned])]
    except MemoryError:
        raise
    except Exception as error:  # whatever the user's code raises
        raise InputError(f"`{name}` failed for x {x.shape} and a cotangent {cotangent.shape}: {one_line(error)}") from error
    expected = [x.shape] if count == 1 else [found[0].shape] * count
    shapes = [one.shape for one in found]
    if shapes != expected or shapes[0][0] != len(x) or any(one.dtype.kind != "f" for one in found):
        kinds = ", ".join(f"{one.dtype} {one.shape}" for one in found)
        rule = f"floats of the shape of x, {x.shape}" if count == 1 else "a layer's output (N, ...), and floats of its shape"
        raise InputError(f"`{name}` must return {rule}; it returned {kinds}")
    return tuple(found)
