"""The inputs that keras-vis calls seeds, with a batch axis or without, of a model with one or several."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from saliency.core.errors import InputError


@dataclass(frozen=True)
class Seeds:
    """N inputs.

    Args:
        x: (N, *input), of the input that gradients are taken by.
        feed: the model's others by name, (N, ...).
        single: it was given without a batch axis.
    """

    x: Any
    feed: dict[str, Any]
    single: bool

    @property
    def n(self) -> int:
        """How many."""
        return int(self.x.shape[0])

    @classmethod
    def of(cls, seed_input: Any, inputs: Mapping[str, int], wanted: str | None) -> "Seeds":
        """Read what a user gives.

        Args:
            seed_input: an array or PIL image; of several inputs a list, in the model's order, or a mapping from names.
            inputs: how many axes the model's inputs have with their batch axis, by name; empty where it is not known.
            wanted: the input that gradients are taken by; None for the first.

        Raises:
            InputError: if there is not one of each, or they are not as many.
        """
        named = _named(seed_input, inputs)
        first = next(iter(named)) if wanted is None or len(inputs) < 2 else wanted
        if first not in named:
            raise InputError(f"`seed_input` ({', '.join(map(str, named))}) must have the input {first!r}")
        arrays = {name: _array(value, name, inputs.get(name)) for name, value in named.items()}
        x, single = arrays.pop(first)
        others = {str(name): value for name, (value, _) in arrays.items()}
        for name, value in others.items():
            if len(value) != len(x):
                raise InputError(f"`seed_input` has {len(x)} input(s) {first!r}, and {len(value)} of {name!r}: one of each")
        return cls(x, others, single)


def _named(seed_input: Any, inputs: Mapping[str, int]) -> dict[Any, Any]:
    if isinstance(seed_input, Mapping):
        named = dict(seed_input)
    elif len(inputs) < 2:
        named = {next(iter(inputs), None): seed_input}
    elif isinstance(seed_input, list | tuple) and len(seed_input) == len(inputs):
        named = dict(zip(inputs, seed_input, strict=True))
    else:
        raise InputError(f"`seed_input` must be a list or mapping of the model's {len(inputs)} inputs: {', '.join(inputs)}")
    if not named or any(value is None for value in named.values()):
        raise InputError("`seed_input` (=None) must be given: a random one would explain nothing")
    return named


def _array(value: Any, name: Any, axes: int | None) -> tuple[Any, bool]:
    """Return an input as (N, ...), and whether it came without its batch axis."""
    array = value if hasattr(value, "shape") else np.asarray(value)
    found = len(array.shape)
    if found == 0 or (axes is not None and found not in (axes, axes - 1)):
        wanted = "a batch axis" if axes is None else f"{axes} axes, or {axes - 1} without the batch's"
        raise InputError(f"`seed_input` ({name or 'the input'}, shape {tuple(array.shape)}) must have {wanted}")
    single = axes is not None and found == axes - 1
    return (array[None], True) if single else (array, False)
