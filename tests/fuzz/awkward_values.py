"""Values that a user may pass by mistake, or with good reason, and that are easily forgotten."""

import importlib.util
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

SHAPE = (3, 8, 8)


class _NoArray:
    def __array__(self, dtype=None, copy=None):
        raise TypeError("no array")


def _ramp(dtype=float, shape=SHAPE):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def _read_only():
    array = _ramp()
    array.flags.writeable = False
    return array


def _with(value):
    array = _ramp()
    array[0, 1, 2] = value
    return array


SCALARS = {
    "None": None, "True": True, "False": False, "empty str": "", "str": "no such name", "np.str_": np.str_("mean"),
    "number as str": "3", "bytes": b"3", "-1": -1, "0": 0, "1": 1, "2": 2, "3.0": 3.0, "0.5": 0.5, "-0.5": -0.5, "1e308": 1e308,
    "1e-320": 1e-320, "nan": float("nan"), "inf": float("inf"), "-inf": float("-inf"), "2**31": 2**31, "2**63": 2**63,
    "10**30": 10**30, "-10**30": -(10**30), "10**400": 10**400, "10**5000": 10**5000, "complex": 1j, "Decimal": Decimal("0.5"),
    "Decimal nan": Decimal("nan"), "Fraction": Fraction(1, 2), "date": date(2020, 1, 1), "np.float64 nan": np.float64("nan"),
    "np.int8": np.int8(5), "np.bool": np.bool_(True), "np.float16": np.float16(0.5), "np.datetime64": np.datetime64("2020"),
    "Ellipsis": ..., "type": int, "object": object(), "function": len, "NUL": "a\0b", "long str": "x" * 5000,
    "surrogate": "\udcff", "path": Path("no such file"), "NUL path": Path("a\0b"), "long path": Path("y" * 3000),
    "line break": "a\nb", "no array": _NoArray(),
}  # fmt: skip
COLLECTIONS = {
    "()": tuple, "[]": list, "{}": dict, "set": lambda: {1, 2}, "[[]]": lambda: [[]], "ragged": lambda: [1, [2, 3]],
    "[None]": lambda: [None], "['a']": lambda: ["a"], "[0, 1]": lambda: [0, 1], "(0, 1)": lambda: (0, 1),
    "[nan, 1]": lambda: [float("nan"), 1], "(5, 2)": lambda: (5, 2), "deep": lambda: [[[[[[1]]]]]], "range": lambda: range(3),
    "empty range": lambda: range(0), "generator": lambda: (i for i in range(3)), "dict": lambda: {"a": 1},
    "dict of int": lambda: {1: 2}, "list of arrays": lambda: [_ramp(), _ramp()], "two shapes": lambda: [_ramp(), np.zeros(3)],
    "bytearray": lambda: bytearray(b"abc"), "memoryview": lambda: memoryview(b"abc"), "(None, 1)": lambda: (None, 1),
    "('conv', 0)": lambda: ("conv", 0), "('conv', 0, 99, 0)": lambda: ("conv", 0, 99, 0), "(int, int)": lambda: (1, 2, 3),
    "(set, 1)": lambda: ({1}, 1), "Series": lambda: pd.Series([1.0, 2.0]), "frame": lambda: pd.DataFrame({"a": [1.0, 2.0]}),
    "(array, 1)": lambda: (_ramp(), 1), "[lambda]": lambda: [len, len],
}  # fmt: skip
ARRAYS = {
    "0-d": lambda: np.array(3.0), "0-d int": lambda: np.array(3), "0-d object": lambda: np.array(None), "empty": lambda: np.array([]),
    "empty 3-d": lambda: np.zeros((0, 8, 8)), "1-d": lambda: np.zeros(3), "2-d": lambda: _ramp(float, (8, 8)),
    "5-d": lambda: np.zeros((1, 1, 3, 8, 8)), "zeros": lambda: np.zeros(SHAPE), "batch": lambda: _ramp(float, (2, *SHAPE)),
    "channels last": lambda: _ramp(float, (8, 8, 3)), "complex": lambda: _ramp(complex), "int8": lambda: _ramp(np.int8),
    "uint8": lambda: _ramp(np.uint8), "uint64": lambda: np.full(SHAPE, 2**64 - 1, np.uint64), "int64": lambda: np.full(SHAPE, -(2**63)),
    "bool": lambda: _ramp(bool), "object": lambda: _ramp(object), "object None": lambda: np.full(SHAPE, None), "float16": lambda: _ramp(np.float16),
    "longdouble": lambda: _ramp(np.longdouble), "big endian": lambda: _ramp(">f4"), "text": lambda: _ramp(str),
    "datetime64": lambda: _ramp("datetime64[s]"), "record": lambda: np.zeros(SHAPE, [("a", float)]), "nan": lambda: _with(np.nan),
    "inf": lambda: _with(-np.inf), "huge": lambda: _with(1e308), "all huge": lambda: np.full(SHAPE, 1.7e308) * _ramp(int).clip(-1, 1),
    "two huge": lambda: np.where(_ramp() % 2, 1.7e308, -1.7e308), "subnormal": lambda: np.full(SHAPE, 5e-324) * _ramp(bool),
    "masked": lambda: np.ma.masked_less(_ramp(), 5), "unmasked": lambda: np.ma.array(_ramp()), "read-only": _read_only,
    "strided": lambda: _ramp(float, (6, 16, 16))[::2, ::2, ::2], "reversed": lambda: _ramp()[:, ::-1, ::-1],
    "Fortran": lambda: np.asfortranarray(_ramp()), "repeated": lambda: np.broadcast_to(np.float32(1), SHAPE),
    "matrix": lambda: np.asmatrix(_ramp(float, (8, 8))), "recarray": lambda: np.rec.array([(1, 2)], "i4,i4"),
    "L": lambda: Image.new("L", (8, 8), 9), "RGBA": lambda: Image.new("RGBA", (8, 8), "red"), "P": lambda: Image.new("P", (8, 8)),
    "F": lambda: Image.new("F", (8, 8), 0.5), "I;16": lambda: Image.new("I;16", (8, 8), 500), "CMYK": lambda: Image.new("CMYK", (8, 8)),
    "1x1": lambda: Image.new("RGB", (1, 1)), "0x0": lambda: Image.new("RGB", (0, 0)), "1": lambda: Image.new("1", (8, 8)),
}  # fmt: skip


def _tensors():
    """Return Torch's own awkward values, if Torch is installed: name -> function."""
    if not importlib.util.find_spec("torch"):
        return {}
    import torch

    def ramp(dtype=torch.float32):
        return torch.arange(192).reshape(SHAPE).to(dtype)

    return {
        "grad": lambda: ramp().requires_grad_(), "graph": lambda: ramp().requires_grad_() * 2, "bfloat16": lambda: ramp(torch.bfloat16),
        "half": lambda: ramp(torch.float16), "int8": lambda: ramp(torch.int8), "bool": lambda: ramp(torch.bool),
        "complex": lambda: ramp(torch.complex64), "conj": lambda: ramp(torch.complex64).conj(), "sparse": lambda: ramp().to_sparse(),
        "meta": lambda: ramp().to("meta"), "0-d": lambda: torch.tensor(0.5), "0-d grad": lambda: torch.tensor(0.5, requires_grad=True),
        "0-d int": lambda: torch.tensor(1), "1-d int": lambda: torch.tensor([0, 1]), "empty": lambda: torch.zeros(0, 8, 8),
        "list of grads": lambda: [torch.ones(8, requires_grad=True)] * 2, "nan": lambda: ramp() * float("nan"),
        "strided": lambda: ramp().transpose(0, 2), "negative": lambda: ramp(torch.complex64).conj().imag,
        "0-d bool": lambda: torch.tensor(True),
        "0-d meta": lambda: torch.tensor(0.5, device="meta"), "0-d complex": lambda: torch.tensor(1j),
    }  # fmt: skip


def awkward_values():
    """Return all of them: name -> function that makes the value."""
    scalars = {name: lambda value=value: value for name, value in SCALARS.items()}
    arrays = {f"{name} array": make for name, make in ARRAYS.items()}
    return scalars | COLLECTIONS | arrays | {f"{name} tensor": make for name, make in _tensors().items()}
