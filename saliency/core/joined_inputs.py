"""Several inputs of a sample as one flat array, for methods that explain them jointly."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from saliency.core.errors import InputError
from saliency.core.types import Array


@dataclass(frozen=True)
class InputLayout:
    """The places of several inputs in flat arrays (N, D).

    Args:
        names: names of the inputs, in the order in which they are joined.
        shapes: shape of each input, without its batch axis.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def sizes(self) -> list[int]:
        """The number of values of each input."""
        return [math.prod(shape) for shape in self.shapes]

    def join(self, xp: Any, parts: Mapping[str, Array]) -> Array:
        """Join inputs (N, *input) of each name to one array (N, D)."""
        flat = [xp.reshape(parts[name], (parts[name].shape[0], -1)) for name in self.names]
        return flat[0] if len(flat) == 1 else xp.concatenate(flat, axis=1)

    def split(self, xp: Any, x: Array) -> dict[str, Array]:
        """Split arrays (N, D) into the inputs (N, *input) by name."""
        ends = list(accumulate(self.sizes))
        flat = [x[:, end - size : end] for end, size in zip(ends, self.sizes, strict=True)]
        return self.named(xp.reshape(part, (-1, *shape)) for part, shape in zip(flat, self.shapes, strict=True))

    def named(self, values: Any) -> dict[str, Any]:
        """Return one value for each input by name."""
        return dict(zip(self.names, values, strict=True))

    def __str__(self) -> str:
        return ", ".join(f"{name!r} {shape}" for name, shape in zip(self.names, self.shapes, strict=True))


def stack_joined(adapter: Any, samples: Sequence[Sequence[Any]]) -> Array:
    """Move N samples to the device, and join the inputs of each.

    Args:
        adapter: the adapter of the joined inputs.
        samples: the inputs of each sample, in the order of the layout.

    Returns:
        (N, D).

    Raises:
        InputError: if an input does not have the shape of the first sample's.
    """
    layout, parts = adapter.joined, {}
    for i, (name, shape) in enumerate(zip(layout.names, layout.shapes, strict=True)):
        parts[name] = adapter.explaining(name).stack([sample[i] for sample in samples], f"x_value[{name!r}]")
        found = tuple(int(length) for length in parts[name].shape[1:])
        if found != shape:
            raise InputError(f"`x_value[{name!r}]` (shape {found}) must have the same shape in all samples, here {shape}")
    return layout.join(adapter.xp, parts)
