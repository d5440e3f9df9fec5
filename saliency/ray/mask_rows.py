"""Rows with masks: columns whose types are the same in every block, also where pictures failed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.batches.computation import Computed
from saliency.core.errors import InputError
from saliency.io.array_store import missing_value
from saliency.ray.error_codes import HalfPrecisionError, error_code
from saliency.ray.method_choice import TARGET_TEXT

Array = npt.NDArray[Any]
MASKS = "masks"
DETAILS = "details/"
TYPES = ("float16", "float32")
HALF_LEAST, HALF_MOST = 2.0**-14, 65504.0
"""The largest magnitude of a mask lies between these if float16 rounds no value by more than 2**-11 of it."""

_HALF_PRECISION_RULE = (
    f"the largest magnitude of its mask must be from {HALF_LEAST:.2g} to {HALF_MOST:g} for float16; use dtype='float32'"
)


@dataclass
class MaskRows:
    """Collect the masks of a batch as columns.

    Args:
        names: the names of the n pictures.
        dtype: ``float16`` or ``float32``, of the masks.
        errors: index of a picture without a mask -> the reason.
        values: name of an array -> index of a picture -> its row.
    """

    names: Sequence[str]
    dtype: str
    errors: dict[int, Exception] = field(default_factory=dict)
    values: dict[str, dict[int, Array]] = field(default_factory=dict)

    def add(self, computed: Computed) -> None:
        """Add the masks of a piece."""
        self.errors |= computed.errors
        masks = computed.arrays.get(MASKS, ())
        for i, mask in zip(computed.rows, masks, strict=True):
            if self.dtype == "float16" and not _fits_half_precision(mask):
                self.errors[i] = HalfPrecisionError(f"{self.names[i]}: {_HALF_PRECISION_RULE}")
        for name, array in computed.arrays.items():
            kept = {i: row for i, row in zip(computed.rows, array, strict=True) if i not in self.errors}
            self.values.setdefault(name, {}).update(kept)

    @property
    def is_empty(self) -> bool:
        """Whether no picture has a mask, so that the shape of one is unknown."""
        return not self.values.get(MASKS)

    def template(self) -> dict[str, Array]:
        """Return the row of a picture with a mask of each array."""
        return {name: next(iter(rows.values())) for name, rows in self.values.items() if rows}

    def columns(self, template: Mapping[str, Array], record: str) -> dict[str, Array]:
        """Return the columns.

        Args:
            template: name of an array -> the row of some picture, whose shape and type the columns have.
            record: the record of the computation, as JSON.

        Returns:
            ``map`` (n, *mask), ``score``, ``target``, ``details`` (JSON), ``details/NAME`` for details of two or more axes,
            ``error``, a code that is empty for a picture with a mask, ``reason`` and ``record``.
        """
        n = len(self.names)
        large = {name: row for name, row in template.items() if name.startswith(DETAILS) and row.ndim > 1}
        found = {
            "map": self._filled(MASKS, template[MASKS], self.dtype),
            "score": self._filled(f"{DETAILS}score", np.float64(0)),
            "target": _texts(self.values.get(f"{DETAILS}{TARGET_TEXT}", {}), n),
            "details": _texts({i: self._details(i, large) for i in range(n) if i not in self.errors}, n),
            "error": _texts({i: error_code(error) for i, error in self.errors.items()}, n),
            "reason": _texts({i: _reason(error) for i, error in self.errors.items()}, n),
            "record": _texts(dict.fromkeys(range(n), record), n),
        }
        return found | {name: self._filled(name, row) for name, row in large.items()}

    def _filled(self, name: str, row: Any, dtype: str | None = None) -> Array:
        row, rows = np.asarray(row), self.values.get(name, {})
        column = np.empty((len(self.names), *row.shape), dtype or row.dtype)
        for i in range(len(column)):
            value = rows.get(i, missing_value(row.dtype))
            if i in rows and np.shape(value) != row.shape:
                raise InputError(f"the mask of {self.names[i]} has {name} of the shape {np.shape(value)}, others {row.shape}")
            column[i] = value
        return column

    def _details(self, i: int, large: Iterable[str]) -> str:
        left_out = {MASKS, f"{DETAILS}score", f"{DETAILS}{TARGET_TEXT}", *large}
        rows = {name: rows[i] for name, rows in self.values.items() if name not in left_out}
        return json.dumps({name.removeprefix(DETAILS): _json_value(row) for name, row in rows.items()})


def _fits_half_precision(mask: Array) -> bool:
    largest = float(np.abs(mask).max(initial=0))
    return largest == 0 or HALF_LEAST <= largest <= HALF_MOST


def _texts(texts: Mapping[int, Any], n: int) -> Array:
    return np.array([str(texts.get(i, "")) for i in range(n)], object)


def _json_value(row: Array) -> Any:
    value = np.asarray(row).tolist()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
