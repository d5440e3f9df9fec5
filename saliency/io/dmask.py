"""DNNBrain's ``.dmask.csv`` files: selected channels, rows and columns of each layer.

Units count from 1 in the file and from 0 in Python; ``indices`` and ``numbers`` convert between the two.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, fields
from operator import index
from pathlib import Path

from saliency.io.atomic_write import atomic_write
from saliency.io.text_lines import encode_text, file_error, file_path, numbered_lines

AXIS_FIELDS = {"chn": "channels", "row": "rows", "col": "columns"}
"""Name of an axis in the file -> field of ``Units``."""
SUFFIX = ".dmask.csv"
MAX_NUMBER = 10**18
EXAMPLE = "A mask has lines like these: conv5=chn,row | 1,2,3 | 4,5 | fc3="


@dataclass(frozen=True)
class Units:
    """Select units of a layer by channel, row and column.

    Args:
        channels, rows, columns: indices from 0 in any order, also repeated; None selects the whole axis.

    Raises:
        ValueError: if a selection is empty, or an index is not a whole number or is negative.
    """

    channels: Iterable[int] | None = None
    rows: Iterable[int] | None = None
    columns: Iterable[int] | None = None

    def __post_init__(self) -> None:
        for axis in fields(self):
            selection = getattr(self, axis.name)
            if selection is not None:
                converted = _whole_numbers(axis.name, selection)
                if not converted or min(converted) < 0:
                    raise ValueError(f"`{axis.name}` (={converted}) must hold indices of 0 or more, or be None for all")
                object.__setattr__(self, axis.name, converted)


@dataclass(frozen=True)
class Dmask:
    """Select units of the layers of a network.

    Args:
        layers: name of a layer -> its selected units.
    """

    layers: Mapping[str, Units] = field(default_factory=dict)


def indices(numbers: Iterable[int]) -> tuple[int, ...]:
    """Convert numbers that count from 1 to indices that count from 0.

    Raises:
        ValueError: if a number is not a whole number or is less than 1.
    """
    converted = tuple(number - 1 for number in _whole_numbers("numbers", numbers))
    if converted and min(converted) < 0:
        raise ValueError(f"a number (={min(converted) + 1}) must be 1 or more")
    return converted


def numbers(indices: Iterable[int]) -> tuple[int, ...]:
    """Convert indices that count from 0 to numbers that count from 1.

    Raises:
        ValueError: if an index is not a whole number.
    """
    return tuple(i + 1 for i in _whole_numbers("indices", indices))


def _whole_numbers(name: str, values: Iterable[int]) -> tuple[int, ...]:
    try:
        numbers = tuple(map(index, values))
    except Exception as error:  # of a tensor, whatever its framework raises
        raise ValueError(f"`{name}` ({type(values).__name__}) must hold whole numbers: {error}") from None
    if any(abs(number) >= MAX_NUMBER for number in numbers):
        raise ValueError(f"`{name}` must hold whole numbers below {MAX_NUMBER:.0e}")
    return numbers


def read(file: str | Path) -> Dmask:
    """Read a ``.dmask.csv`` file.

    Blank lines and lines that begin with # are skipped. The word ``all`` in place of numbers selects a whole axis.

    Args:
        file: path whose name ends in ``.dmask.csv``.

    Raises:
        ValueError: if the suffix is wrong or a line is invalid; the message contains the file and the line number.
        OSError: if the file cannot be read.
    """
    file = file_path(file, SUFFIX)
    lines = ((i, line) for i, line in numbered_lines(file, SUFFIX) if not line.startswith("#"))
    layers: dict[str, Units] = {}
    for i, line in lines:
        layer, equals, axis_list = (part.strip() for part in line.rpartition("="))
        if not equals or not layer:
            raise file_error(file, f"line {i} ({line!r}) must be layer=axes; each axis is followed by one line of numbers")
        if layer in layers:
            raise file_error(file, f"line {i}: the layer {layer} is repeated; list all axes of a layer in one line")
        axes = _parse_axes(file, i, axis_list)
        layers[layer] = Units(**{AXIS_FIELDS[axis]: _parse_selection(file, layer, axis, lines) for axis in axes})
    if not layers:
        raise file_error(file, f"names no layer. {EXAMPLE}")
    return Dmask(layers)


def write(dmask: Dmask, file: str | Path) -> None:
    """Write a ``.dmask.csv`` file that DNNBrain can read.

    Args:
        dmask: the selected units.
        file: path whose name ends in ``.dmask.csv``.

    Raises:
        ValueError: if the suffix is wrong, or the format cannot represent a layer's name.
        OSError: if the file cannot be written.
    """
    file = file_path(file, SUFFIX)
    lines = []
    for layer, units in _checked_layers(dmask).items():
        if not layer or layer != layer.strip() or layer.startswith("#") or "=" in layer or len(layer.splitlines()) > 1:
            rule = "a name must not be empty, begin with #, contain = or a line break, or begin or end with whitespace"
            raise file_error(file, f"cannot hold a layer named {layer!r}; {rule}")
        selections = {axis: picked for axis, picked in zip(AXIS_FIELDS, astuple(units), strict=True) if picked is not None}
        lines.append(f"{layer}={','.join(selections)}\n")
        lines += [",".join(map(str, numbers(picked))) + "\n" for picked in selections.values()]
    content = encode_text(file, "".join(lines))
    with atomic_write(file) as temporary:
        temporary.write_bytes(content)


def _checked_layers(dmask: Dmask) -> Mapping[str, Units]:
    layers = getattr(dmask, "layers", None)
    correct = isinstance(layers, Mapping) and all(isinstance(units, Units) for units in layers.values())
    if not isinstance(layers, Mapping) or not correct or not all(isinstance(name, str) for name in layers):
        raise ValueError(f"`dmask` ({type(dmask).__name__}) must be a Dmask, with Units by the names of layers")
    return layers


def _parse_axes(file: Path, i: int, axis_list: str) -> list[str]:
    axes = [axis.strip() for axis in axis_list.removesuffix(",").split(",")] if axis_list else []
    if not set(axes) <= set(AXIS_FIELDS) or len(set(axes)) < len(axes):
        raise file_error(file, f"line {i}: axes (={axis_list!r}) must be {', '.join(AXIS_FIELDS)}, each at most once")
    return axes


def _parse_selection(file: Path, layer: str, axis: str, lines: Iterator[tuple[int, str]]) -> tuple[int, ...] | None:
    i, line = next(lines, (0, ""))
    if not i or "=" in line:
        found = f"line {i} is {line!r}" if i else "the file ends"
        raise file_error(file, f"{found}, but the numbers of {layer}'s {axis} are expected")
    if line == "all":
        return None
    texts = [text.strip() for text in line.removesuffix(",").split(",")]
    for text in texts:
        if not (text.isascii() and text.isdecimal() and 0 < int(text[:19]) < MAX_NUMBER):
            rule = "must be whole numbers, 1 or more, separated by commas"
            raise file_error(file, f"line {i}: {layer}'s {axis} (={text!r}) {rule}")
    return indices(map(int, texts))
