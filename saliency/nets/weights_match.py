"""Whether a file of weights is a model's."""

from collections.abc import Mapping
from pathlib import Path

from saliency.core.errors import InputError

Shapes = Mapping[str, tuple[int, ...]]


def check_file(file: Path) -> None:
    """Check that there is a file.

    Raises:
        InputError: if there is none.
    """
    if not file.is_file():
        raise InputError(f"`weights` ({file}) must be a file; there is none of this name")


def check_fit(file: str | Path, given: Shapes, own: Shapes, model: str) -> None:
    """Check that weights have the names and the shapes of a model's.

    Args:
        file: that they are from.
        given: names of its weights -> their shapes.
        own: the model's.
        model: its name.

    Raises:
        InputError: if they do not.
    """
    missing, strange = sorted(own.keys() - given.keys()), sorted(given.keys() - own.keys())
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    other = sorted(name for name in own.keys() & given.keys() if own[name] != given[name])
    for what, names in (("lacks", missing), ("has, unlike the model,", strange), ("has in another shape", other)):
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            raise InputError(f"`weights` ({file}) {what} {', '.join(names[:5])}{more}; it must fit {model}")
