"""A bound on an error that a method works on until it is met."""

import math
from typing import SupportsFloat

from saliency.core.errors import InputError, ToleranceWarning
from saliency.core.warnings import warn


def check_tolerance(tolerance: object) -> None:
    """Check an option that is a relative bound, or None.

    Raises:
        InputError: if it is anything else.
    """
    number = isinstance(tolerance, SupportsFloat) and not isinstance(tolerance, bool | str)
    if tolerance is not None and not (number and 0 < float(tolerance) < math.inf):  # type: ignore[arg-type]
        raise InputError(f"`tolerance` (={tolerance!r}) must be a finite number above 0, or None")


def should_stop(error: float, tolerance: float | None, last: bool, what: str, limit: str) -> bool:
    """Tell whether to stop: the error is small enough, or was the last that is allowed, which brings a warning.

    Args:
        error: as it is now, relative.
        tolerance: as it should be.
        last: whether no more evaluations are allowed.
        what: the error's name, for the warning.
        limit: the name of the option that allows no more.
    """
    if tolerance is None or error <= float(tolerance):
        return True
    if last:
        message = f"`tolerance` (={tolerance}) was not reached: the {what} is {error:.2g}, and `{limit}` allows no more"
        warn(message, ToleranceWarning)
    return last
