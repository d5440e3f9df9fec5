"""DNNBrain's ``.act.h5``: a dataset (stimuli, channels, rows, columns) for each layer of a network."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from saliency.io.atomic_write import replacing
from saliency.io.dmask import Dmask
from saliency.io.hdf5 import HDF5Error, datasets, opened
from saliency.io.hdf5_layer import Stored, check_names, store
from saliency.io.hdf5_writing import created
from saliency.io.layer import Indices, Layer, absent
from saliency.io.memory_layer import Held, Joined
from saliency.io.text_lines import check_suffix

if TYPE_CHECKING:
    import pandas as pd

SUFFIX = ".act.h5"


@dataclass(frozen=True, eq=False)
class Activation(Mapping[str, Layer]):
    """Activation of layers to stimuli, a mapping from their names; what is in files is read when it is used.

    Args:
        layers: name -> ``Layer``, or an array (stimuli, channels, rows, columns) whose last axes may be missing.

    Raises:
        ValueError: if an array has other axes or no numbers.
    """

    layers: Mapping[str, Layer]

    def __init__(self, layers: Mapping[str, Layer | npt.ArrayLike]) -> None:
        held = {name: layer if isinstance(layer, Layer) else Held.of(layer) for name, layer in layers.items()}
        object.__setattr__(self, "layers", held)

    def __getitem__(self, name: str) -> Layer:
        if name not in self.layers:
            raise KeyError(f"the activation {absent(name, self.layers)}")
        return self.layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def take(self, stimuli: Indices) -> "Activation":
        """Return the activation to some of the stimuli: indices from 0, in any order, also repeated, or a slice.

        Raises:
            ValueError: if there is no such stimulus.
        """
        return Activation({name: layer.take(stimuli) for name, layer in self.layers.items()})

    def mask(self, dmask: Dmask) -> "Activation":
        """Return the units of a mask; layers that it does not name are left out.

        Raises:
            ValueError: if there is no such layer, or no such unit.
        """
        taken = {}
        for name, units in dmask.layers.items():
            if name not in self.layers:
                raise ValueError(f"the activation {absent(name, self.layers)}")
            with _in_layer(name):
                taken[name] = self.layers[name].take(None, units.channels, units.rows, units.columns)
        return Activation(taken)

    def concatenate(self, *others: "Activation") -> "Activation":
        """Return the activation to these stimuli and, after them, to those of others with the same layers.

        Raises:
            ValueError: if layers differ.
        """
        if any(set(other.layers) != set(self.layers) for other in others):
            raise ValueError("activations must have the same layers to be concatenated")
        joined = {}
        for name, layer in self.layers.items():
            with _in_layer(name):
                joined[name] = Joined.of([layer, *(other.layers[name] for other in others)])
        return Activation(joined)

    def to_frame(self) -> "pd.DataFrame":
        """Return a row for each stimulus and a column for each unit: (layer, channel, row, column), counting from 0.

        All of it is in memory; ``mask`` first what is large.

        Raises:
            ValueError: if there is no layer, or the numbers of stimuli differ.
        """
        import pandas as pd

        if len({layer.shape[0] for layer in self.layers.values()}) != 1:
            raise ValueError("a table needs layers, all of the same number of stimuli")
        units = [(name, *unit) for name, layer in self.layers.items() for unit in np.ndindex(layer.shape[1:])]
        columns = pd.MultiIndex.from_tuples(units, names=["layer", "channel", "row", "column"])
        values = [layer.read().reshape(layer.shape[0], -1) for layer in self.layers.values()]
        return pd.DataFrame(np.concatenate(values, axis=1), columns=columns)


def read(file: str | Path, layers: Iterable[str] | None = None) -> Activation:
    """Open an ``.act.h5`` file; the values are read when they are used.

    Args:
        file: its path; the name must end in ``.act.h5``.
        layers: names of those that are meant; None for all of them, by name. A dataset in groups has a name with slashes.

    Raises:
        ValueError: if the name ends otherwise, it is no such file, or a layer is not there or holds no activation.
        OSError: if it cannot be read.
    """
    file = Path(file)
    check_suffix(file, SUFFIX)
    with opened(file) as h5:
        found = datasets(file, h5)
        wanted = sorted(found) if layers is None else list(layers)
        for name in wanted:
            if name not in found:
                raise HDF5Error(f"{file}: {absent(name, found)}")
        return Activation({name: Stored.find(file, name, found[name]) for name in wanted})


def write(activation: Activation, file: str | Path) -> None:
    """Write an ``.act.h5`` file that DNNBrain reads, block by block: a layer may be larger than the memory.

    Args:
        activation: its layers may be those of the file itself, which is then replaced.
        file: its path; the name must end in ``.act.h5``.

    Raises:
        ValueError: if the name ends otherwise, or a layer's name cannot be a dataset's.
        OSError: if it cannot be written.
    """
    file = Path(file)
    check_suffix(file, SUFFIX)
    check_names(file, activation.layers)
    with replacing(file) as temporary, created(temporary, file) as writing:
        for name, layer in activation.layers.items():
            store(writing, name, layer)


@contextmanager
def _in_layer(name: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"layer {name}: {error}") from None
