"""Read keras-vis's ``seed_input``: one or several model inputs, with or without a batch axis."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from saliency.core.errors import InputError


@dataclass(frozen=True)
class SeedInputs:
    """Values of a model's inputs for N samples.

    Args:
        x: the input with respect to which gradients are computed, (N, *input).
        feed: the model's other inputs by name, (N, ...).
    """

    x: Any
    feed: dict[str, Any]

    @property
    def count(self) -> int:
        """The number of samples N."""
        return int(self.x.shape[0])

    @classmethod
    def of(cls, seed_input: Any, inputs: Mapping[str, int], wanted: str | None) -> "SeedInputs":
        """Check a user's ``seed_input`` and add missing batch axes.

        Args:
            seed_input: an array or PIL image. For several inputs, a list in the model's order or a mapping by name.
            inputs: name of each model input -> its number of axes, including the batch axis; empty if unknown.
            wanted: the input with respect to which gradients are computed; None for the first.

        Raises:
            InputError: if an input is missing, has a wrong number of axes, or the batch sizes differ.
        """
        named = _by_name(seed_input, inputs)
        first = next(iter(named)) if wanted is None or len(inputs) < 2 else wanted
        if first not in named:
            raise InputError(f"`seed_input` ({', '.join(map(str, named))}) must contain the input {first!r}")
        arrays = {name: _with_batch_axis(value, name, inputs.get(name)) for name, value in named.items()}
        x = arrays.pop(first)
        feed = {str(name): value for name, value in arrays.items()}
        for name, value in feed.items():
            if len(value) != len(x):
                raise InputError(
                    f"`seed_input` has {len(x)} input(s) {first!r}, and {len(value)} of {name!r}: the numbers must be equal"
                )
        return cls(x, feed)


def _by_name(seed_input: Any, inputs: Mapping[str, int]) -> dict[Any, Any]:
    if isinstance(seed_input, Mapping):
        named = dict(seed_input)
    elif len(inputs) < 2:
        named = {next(iter(inputs), None): seed_input}
    elif isinstance(seed_input, list | tuple) and len(seed_input) == len(inputs):
        named = dict(zip(inputs, seed_input, strict=True))
    else:
        raise InputError(f"`seed_input` must be a list or mapping of the model's {len(inputs)} inputs: {', '.join(inputs)}")
    if not named or any(value is None for value in named.values()):
        raise InputError("`seed_input` (=None) must be given: gradients at a random input would not explain the model")
    return named


def _with_batch_axis(value: Any, name: Any, axes: int | None) -> Any:
    """Return an input as (N, ...); ``axes`` is its expected number of axes with the batch axis, None if unknown."""
    value = value.to_dense() if getattr(value, "is_sparse", False) else value
    array = value if hasattr(value, "shape") else _as_array(value)
    rank = len(array.shape)
    if rank == 0 or (axes is not None and rank not in (axes, axes - 1)):
        expected = "a batch axis" if axes is None else f"{axes} axes, or {axes - 1} without the batch axis"
        kind = f"{name or type(value).__name__}, shape {tuple(array.shape)}"
        raise InputError(f"`seed_input` ({kind}) must have {expected}")
    return array[None] if axes is not None and rank == axes - 1 else array


def _as_array(value: Any) -> Any:
    try:
        return np.asarray(value)
    except Exception as error:  # of lists with different lengths; of a user's class anything
        raise InputError(f"`seed_input` ({type(value).__name__}) must be an array of numbers: {error}") from error
