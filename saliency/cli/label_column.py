"""The class of each stimulus, from a column of the stimulus file."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from saliency.cli.channels import LayerChannels
from saliency.cli.options import CommandError
from saliency.cli.stimuli import Stimuli

DEFAULT_COLUMNS = ("class", "label")
CHANNEL_COLUMN = "chn"
"""The column whose numbers are channels, which count from 1; those of other columns are classes, which count from 0."""


@dataclass(frozen=True)
class Labels:
    """The class or channel of each stimulus.

    Args:
        column: name of the column.
        channels: the channel of each stimulus, counting from 1.
    """

    column: str
    channels: Sequence[int]

    @classmethod
    def of(cls, column: str | None, stimuli: Stimuli, layer: LayerChannels) -> "Labels | None":
        """Read the column of ``-target``, or by default ``class`` or ``label``.

        Args:
            column: name of the column; None for the default.
            stimuli: the stimuli.
            layer: the explained layer.

        Returns:
            None if no column is named, and there is none by default or the layer is not the output of the network.

        Raises:
            CommandError: if there is no such column, or it has a value that is no class of the network.
        """
        if column is None:
            column = next((name for name in DEFAULT_COLUMNS if name in stimuli.columns), None)
            if column is None or layer.path is not None:
                return None
        if column not in stimuli.columns:
            nearest = difflib.get_close_matches(column, stimuli.columns, n=1) or list(stimuli.columns)
            raise CommandError(f"-target ({column}) must be a column of {stimuli.file}; nearest: {nearest[0]}")
        if layer.path is not None and column != CHANNEL_COLUMN:
            raise CommandError(
                f"-target ({column}) has classes, and -layer {layer.layer} is not the network's output; leave out -layer, or "
                f"name the column {CHANNEL_COLUMN}, whose numbers are channels and count from 1"
            )
        values = stimuli.columns[column]
        parse = _channel_of_name if values.dtype.kind == "U" else _channel_of_number
        parsed = {value: parse(value, column, layer) for value in dict.fromkeys(values.tolist())}
        for name, value in zip(stimuli.names, values.tolist(), strict=True):
            if isinstance(parsed[value], str):
                raise CommandError(f"{stimuli.file}: {column} (={_shown(value)}) of {name} {parsed[value]}")
        return cls(column, [int(parsed[value]) for value in values.tolist()])


def _channel_of_number(value: float, column: str, layer: LayerChannels) -> int | str:
    """Return a channel, counting from 1; for a number that is none, the rule that it breaks."""
    first = 1 if column == CHANNEL_COLUMN else 0
    if not float(value).is_integer() or not first <= value < first + layer.count:
        noun = "channel" if first else "class"
        return f"must be a {noun} of {layer.layer}, a whole number from {first} to {first + layer.count - 1}"
    return int(value) - first + 1


def _channel_of_name(value: str, column: str, layer: LayerChannels) -> int | str:
    """Return the channel of a class's name, counting from 1; for a name that is none, what is allowed."""
    if value.isdecimal():
        return _channel_of_number(int(value), column, layer)
    names = {number: name.casefold() for number, name in layer.class_names.items()}
    found = [number for number, name in names.items() if name == value.casefold()]
    if len(found) == 1:
        return found[0] + 1
    if found:
        return f"names several classes: {', '.join(map(str, found))}; write the number"
    if not names:
        return "must be a number from 0, because the names of the classes are not known; pass them with -class-names"
    nearest = difflib.get_close_matches(value.casefold(), names.values(), n=3, cutoff=0.3) or list(names.values())[:3]
    return f"is not the name of a class; nearest: {', '.join(nearest)}"


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
