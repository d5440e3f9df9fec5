"""The code of a picture's error, as in the tables of failures of the commands."""

from saliency.core.errors import GradientError, InputError, TargetError
from saliency.io.picture_options import PictureError


class HalfPrecisionError(InputError):
    """A mask that float16 would round to wrong values."""


CODES = {
    HalfPrecisionError: "FLOAT16",
    GradientError: "NONFINITE_GRAD",
    MemoryError: "OOM",
    TargetError: "TARGET",
    ValueError: "PREPARATION",
}
"""Class of an error -> its code."""


def error_code(error: Exception) -> str:
    """Return the code of an error in one word."""
    if isinstance(error, PictureError):
        return error.code
    return next((code for kind, code in CODES.items() if isinstance(error, kind)), "MODEL")
