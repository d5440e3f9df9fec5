"""Values of an option that differ from input to input."""

from collections.abc import Iterable, Mapping
from typing import Any, final

from saliency.core.errors import InputError


@final
class PerSample:
    """One baseline for each of N inputs.

    An array (baselines, *input) as a baseline means several baselines of every input. ``PerSample(array)`` means that
    ``array[i]`` belongs to input i.

    Args:
        values: array (N, *input), or a list of N values, each of which the option accepts.

    Raises:
        InputError: if there are no values.
    """

    def __init__(self, values: Any) -> None:
        try:
            self.values = list(values)
        except TypeError as error:
            raise InputError(
                f"`values` ({type(values).__name__}) must be a list of N values, or an array with one row for each input"
            ) from error
        if not self.values:
            raise InputError("`values` (length 0) must hold one value for each input")

    def __repr__(self) -> str:
        return f"PerSample({len(self.values)} values)"


def check_per_sample(options: Mapping[str, Any], n: int) -> bool:
    """Check that every ``PerSample`` among options, or among an option's values for several inputs, holds n values.

    Returns:
        Whether there is one.

    Raises:
        InputError: if one does not.
    """
    found = False
    for name, option in options.items():
        for value in _alternatives(option):
            found = found or isinstance(value, PerSample)
            if isinstance(value, PerSample) and len(value.values) != n:
                raise InputError(f"`{name}` (={value!r}) must hold one value for each of the {n} inputs")
    return found


def _alternatives(option: Any) -> Iterable[Any]:
    if isinstance(option, Mapping):
        return option.values()
    return option if isinstance(option, list | tuple) else [option]
