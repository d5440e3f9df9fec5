"""The stopping rule of methods that refine their result until an error is within a tolerance."""

from saliency.core.errors import InputError, ToleranceWarning
from saliency.core.validation import as_real, shown
from saliency.core.warnings import warn


def check_tolerance(tolerance: object) -> None:
    """Check an option that is a relative tolerance or None.

    Raises:
        InputError: if it is anything else.
    """
    if tolerance is not None and (as_real(tolerance) or 0.0) <= 0:
        raise InputError(f"`tolerance` (={shown(tolerance)}) must be a finite number above 0, or None")


def should_stop(error: float, tolerance: float | None, at_limit: bool, error_name: str, limit_option: str) -> bool:
    """Return whether to stop refining; warn if the limit is reached before the tolerance.

    Args:
        error: the current relative error.
        tolerance: the largest relative error that is acceptable.
        at_limit: whether no more evaluations are allowed.
        error_name: what the warning calls the error.
        limit_option: name of the option that limits the evaluations.
    """
    if tolerance is None or error <= float(tolerance):
        return True
    if at_limit:
        message = (
            f"`tolerance` (={tolerance}) was not reached: the {error_name} is {error:.2g}, "
            f"and `{limit_option}` allows no further evaluation"
        )
        warn(message, ToleranceWarning)
    return at_limit
