"""DNNBrain's ``.dmask.csv``: the channels, rows and columns of interest, layer by layer.

Numbers count from 1 in the file and from 0 in Python; ``indices`` and ``numbers`` are the only crossings.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, fields
from operator import index
from pathlib import Path

from saliency.io.atomic_write import replacing
from saliency.io.text_lines import check_suffix, numbered, wrong

AXES = {"chn": "channels", "row": "rows", "col": "columns"}
"""An axis in the file -> in ``Units``."""
SUFFIX = ".dmask.csv"
EXAMPLE = "A mask has lines like these: conv5=chn,row | 1,2,3 | 4,5 | fc3="


@dataclass(frozen=True)
class Units:
    """Units of a layer, in any order, also repeated; indices count from 0, and None stands for all of an axis.

    Raises:
        ValueError: if an axis is empty, or an index negative.
        TypeError: if an index is no whole number.
    """

    channels: Iterable[int] | None = None
    rows: Iterable[int] | None = None
    columns: Iterable[int] | None = None

    def __post_init__(self) -> None:
        for axis in fields(self):
            given = getattr(self, axis.name)
            if given is not None:
                chosen = tuple(map(index, given))
                if not chosen or min(chosen) < 0:
                    raise ValueError(f"`{axis.name}` (={chosen}) must hold indices of 0 or more, or be None for all")
                object.__setattr__(self, axis.name, chosen)


@dataclass(frozen=True)
class Dmask:
    """A mask for the activation of a network.

    Args:
        layers: layer -> its units.
    """

    layers: Mapping[str, Units] = field(default_factory=dict)


def indices(given: Iterable[int]) -> tuple[int, ...]:
    """Return Python's indices of numbers that count from 1.

    Raises:
        ValueError: if a number is less than 1.
    """
    chosen = tuple(index(number) - 1 for number in given)
    if chosen and min(chosen) < 0:
        raise ValueError(f"a number (={min(chosen) + 1}) must be 1 or more")
    return chosen


def numbers(chosen: Iterable[int]) -> tuple[int, ...]:
    """Return the numbers, counting from 1, of Python's indices."""
    return tuple(index(i) + 1 for i in chosen)


def read(file: str | Path) -> Dmask:
    """Read a ``.dmask.csv`` file: blank lines, lines that begin with #, and the word ``all`` are allowed.

    Args:
        file: its path; the name must end in ``.dmask.csv``.

    Raises:
        ValueError: if the name or a line is not as the format wants it; the message names file and line.
        OSError: if it cannot be read.
    """
    file = Path(file)
    lines = ((i, line) for i, line in numbered(file, SUFFIX) if not line.startswith("#"))
    layers: dict[str, Units] = {}
    for i, line in lines:
        layer, equals, named = (part.strip() for part in line.rpartition("="))
        if not equals or not layer:
            raise wrong(file, f"line {i} ({line!r}) must be layer=axes; numbers follow only where an axis waits for them")
        if layer in layers:
            raise wrong(file, f"line {i}: {layer} is named before; give a layer's axes in one line")
        axes = _axes(file, i, named)
        layers[layer] = Units(**{AXES[axis]: _numbers(file, layer, axis, lines) for axis in axes})
    if not layers:
        raise wrong(file, f"names no layer. {EXAMPLE}")
    return Dmask(layers)


def write(dmask: Dmask, file: str | Path) -> None:
    """Write a ``.dmask.csv`` file that DNNBrain reads.

    Raises:
        ValueError: if the file's name ends otherwise, or the format cannot hold a layer's name.
        OSError: if it cannot be written.
    """
    file = Path(file)
    check_suffix(file, SUFFIX)
    lines = []
    for layer, units in dmask.layers.items():
        if not layer or layer != layer.strip() or layer.startswith("#") or "=" in layer or len(layer.splitlines()) > 1:
            raise wrong(file, f"cannot hold a layer named {layer!r}")
        chosen = {axis: given for axis, given in zip(AXES, astuple(units), strict=True) if given is not None}
        lines.append(f"{layer}={','.join(chosen)}\n")
        lines += [",".join(map(str, numbers(given))) + "\n" for given in chosen.values()]
    with replacing(file) as temporary:
        temporary.write_bytes("".join(lines).encode())


def _axes(file: Path, i: int, named: str) -> list[str]:
    axes = [axis.strip() for axis in named.removesuffix(",").split(",")] if named else []
    if not set(axes) <= set(AXES) or len(set(axes)) < len(axes):
        raise wrong(file, f"line {i}: axes (={named!r}) must be of {', '.join(AXES)}, each once")
    return axes


def _numbers(file: Path, layer: str, axis: str, lines: Iterator[tuple[int, str]]) -> tuple[int, ...] | None:
    i, line = next(lines, (0, ""))
    if not i or "=" in line:
        where = f"line {i} ({line!r}) stands where" if i else "ends where"
        raise wrong(file, f"{where} the numbers of {layer}'s {axis} are expected")
    if line == "all":
        return None
    words = [word.strip() for word in line.removesuffix(",").split(",")]
    for word in words:
        if not (word.isascii() and word.isdecimal() and len(word) < 19 and int(word) > 0):
            raise wrong(file, f"line {i}: {layer}'s {axis} (={word!r}) must be whole numbers, 1 or more, with commas between")
    return indices(map(int, words))
