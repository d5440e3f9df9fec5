"""Compute the masks of some inputs; one that fails does not end the others."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.batches.items import Item
from saliency.core.errors import InputError, SaliencyError, ZeroGradientWarning
from saliency.core.result import MaskArray

Array = npt.NDArray[Any]
Masks = MaskArray | dict[str, MaskArray]

FAILURES = (SaliencyError, MemoryError)
"""Errors of an input that do not end a run."""


@dataclass(frozen=True)
class Computed:
    """The masks of a piece.

    Args:
        rows: the indices of the inputs that have a mask.
        arrays: name -> (rows, ...): ``masks``, or ``masks/INPUT`` of several inputs, and ``details/NAME``.
        errors: index of an input without a mask -> the reason.
        empty: the indices of masks that are zero everywhere.
    """

    rows: list[int]
    arrays: dict[str, Array]
    errors: dict[int, Exception]
    empty: list[int] = field(default_factory=list)


@dataclass
class PieceComputer:
    """Compute masks of one shape, piece by piece.

    Args:
        call: from inputs and their targets to their masks.
        shapes: name of an array of masks -> the shape of one mask, as far as it is known.
        filled: number of inputs in each call. Copies of the last input fill a smaller piece, whose masks then have the same
            bytes as in a full one. None for no copies.
    """

    call: Callable[[Sequence[Any], Sequence[Any]], Masks]
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    filled: int | None = None

    def compute(self, items: Sequence[Item]) -> Computed:
        """Compute the masks of a piece, together if possible, and each one alone if some fail."""
        readable = [item for item in items if item.error is None]
        errors = {item.index: item.error for item in items if item.error is not None}
        parts: list[tuple[list[Item], dict[str, Array]]] = []
        if readable:
            try:
                parts = [(readable, self._arrays(readable))]
            except FAILURES as error:
                if len(readable) == 1:
                    errors[readable[0].index] = error
                else:
                    parts = self._one_by_one(readable, errors)
        rows = [item.index for part, _ in parts for item in part]
        arrays = _joined([arrays for _, arrays in parts])
        return Computed(rows, arrays, errors, _empty_rows(rows, arrays))

    def _one_by_one(self, items: Sequence[Item], errors: dict[int, Exception]) -> list[tuple[list[Item], dict[str, Array]]]:
        parts = []
        for item in items:
            try:
                parts.append(([item], self._arrays([item])))
            except FAILURES as error:
                errors[item.index] = error
        return parts

    def _arrays(self, items: Sequence[Item]) -> dict[str, Array]:
        values, targets = [item.value for item in items], [item.target for item in items]
        copies = max(0, (self.filled or 0) - len(items))
        values += [deepcopy(values[-1]) for _ in range(copies)]  # one object would share a pass, of another shape
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ZeroGradientWarning)  # its numbers count within the piece
            found = self.call(values, targets + targets[-1:] * copies)
        by_name = found if isinstance(found, Mapping) else {"": found}
        arrays = {}
        for name, masks in by_name.items():
            suffix = f"/{name}" if name else ""
            arrays[f"masks{suffix}"] = np.asarray(masks)[: len(items)]
            details = {one: value[: len(items)] for one, value in masks.details.items()}
            arrays |= {f"details{suffix}/{one}": _storable(value) for one, value in details.items()}
        for name, array in arrays.items():
            if name.startswith("masks"):
                expected = self.shapes.setdefault(name, array.shape[1:])
                if array.shape[1:] != expected:
                    raise InputError(f"the mask has the shape {array.shape[1:]}; those of one file must have {expected}")
        return arrays


def _storable(value: Any) -> Array:
    """Return a detail of N masks as numbers in which one can be missing, or as texts."""
    array = np.asarray(value)
    if array.dtype.kind in ("b", "u"):
        return array.astype(np.int64)
    if array.dtype.kind in "fi" or (array.dtype.kind == "U" and array.ndim == 1):
        return array
    return np.array([str(one) for one in array], np.str_)


def _joined(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Join arrays by name; a text that some parts lack is empty there."""
    lengths = [len(next(iter(part.values()))) for part in parts]
    names = dict.fromkeys(name for part in parts for name in part)
    filled = [(part, np.full(n, "")) for part, n in zip(parts, lengths, strict=True)]
    return {name: np.concatenate([part.get(name, empty) for part, empty in filled]) for name in names}


def _empty_rows(rows: Sequence[int], arrays: Mapping[str, Array]) -> list[int]:
    masks = [array for name, array in arrays.items() if name.startswith("masks")]
    return [row for i, row in enumerate(rows) if not any(array[i].any() for array in masks)]
