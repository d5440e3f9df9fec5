"""DNNBrain's ``.act.h5`` files: one dataset (stimuli, channels, rows, columns) for each layer of a network."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.io.dmask import Dmask
from saliency.io.hdf5 import HDF5Error, find_datasets, open_hdf5
from saliency.io.hdf5_layer import HDF5Layer, check_layer_names, write_layer
from saliency.io.hdf5_writing import create_hdf5
from saliency.io.layer import Indices, Layer, missing_layer_message
from saliency.io.memory_layer import ConcatenatedLayer, InMemoryLayer
from saliency.io.text_lines import file_path

if TYPE_CHECKING:
    import pandas as pd

SUFFIX = ".act.h5"


@dataclass(frozen=True, eq=False)
class Activation(Mapping[str, Layer]):
    """Map layer names to the activation of each layer; values in files are read on demand.

    Args:
        layers: name -> ``Layer``, or an array (stimuli, channels, rows, columns) whose last one or two axes may be missing.

    Raises:
        ValueError: if an array is empty, is not numeric, is masked, or has other axes; the message contains its layer.
    """

    layers: Mapping[str, Layer]

    def __init__(self, layers: Mapping[str, Layer | npt.ArrayLike]) -> None:
        converted = {}
        if not isinstance(layers, Mapping) or not all(isinstance(name, str) for name in layers):
            raise ValueError(f"`layers` ({type(layers).__name__}) must be a mapping from the names of layers to activations")
        for name, layer in layers.items():
            with _name_layer_in_errors(name):
                converted[name] = layer if isinstance(layer, Layer) else InMemoryLayer.from_array(layer)
        object.__setattr__(self, "layers", converted)

    def __getitem__(self, name: str) -> Layer:
        if name not in self.layers:
            raise KeyError(f"the activation {missing_layer_message(name, self.layers)}")
        return self.layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def take(self, stimuli: Indices) -> "Activation":
        """Return the activation to selected stimuli.

        Args:
            stimuli: indices from 0 in any order, also repeated, or a slice.

        Raises:
            ValueError: if an index is negative or too large, or the selection is empty.
        """
        return Activation({name: layer.take(stimuli) for name, layer in self.layers.items()})

    def mask(self, dmask: Dmask) -> "Activation":
        """Return the units of a mask; layers that are not in the mask are dropped.

        Raises:
            ValueError: if the activation does not have a layer or a unit of the mask.
        """
        if not isinstance(dmask, Dmask):
            raise ValueError(f"`dmask` ({type(dmask).__name__}) must be a Dmask, as saliency.io.dmask.read returns it")
        masked = {}
        for name, units in dmask.layers.items():
            if name not in self.layers:
                raise ValueError(f"the activation {missing_layer_message(name, self.layers)}")
            with _name_layer_in_errors(name):
                masked[name] = self.layers[name].take(None, units.channels, units.rows, units.columns)
        return Activation(masked)

    def concatenate(self, *others: "Activation") -> "Activation":
        """Return the activation to these stimuli, followed by the stimuli of other activations.

        Args:
            others: activations with the same layers.

        Raises:
            ValueError: if the names, channels, rows or columns of the layers differ.
        """
        if not all(isinstance(other, Activation) for other in others):
            raise ValueError(f"`others` ({', '.join(type(other).__name__ for other in others)}) must be Activations")
        if any(set(other.layers) != set(self.layers) for other in others):
            raise ValueError("concatenated activations must have the same layers; `mask` selects layers")
        concatenated = {}
        for name, layer in self.layers.items():
            with _name_layer_in_errors(name):
                concatenated[name] = ConcatenatedLayer.from_layers([layer, *(other.layers[name] for other in others)])
        return Activation(concatenated)

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with a row for each stimulus and a column (layer, channel, row, column) for each unit.

        Indices count from 0. The table is in memory as a whole: select units of large layers with ``mask`` first.

        Raises:
            ValueError: if there is no layer, or the layers have different numbers of stimuli.
        """
        import pandas as pd

        if len({layer.shape[0] for layer in self.layers.values()}) != 1:
            counts = ", ".join(f"{name} has {layer.shape[0]}" for name, layer in self.layers.items()) or "there are no layers"
            raise ValueError(f"a table needs one or more layers with the same number of stimuli; {counts}")
        units = [(name, *unit) for name, layer in self.layers.items() for unit in np.ndindex(layer.shape[1:])]
        columns = pd.MultiIndex.from_tuples(units, names=["layer", "channel", "row", "column"])
        values = [layer.read().reshape(layer.shape[0], -1) for layer in self.layers.values()]
        return pd.DataFrame(np.concatenate(values, axis=1), columns=columns)


def read(file: str | Path, layers: Iterable[str] | None = None) -> Activation:
    """Open an ``.act.h5`` file; the values are read on demand.

    Args:
        file: path whose name ends in ``.act.h5``.
        layers: names of the layers to include, in this order; None includes all, sorted by name. The name of a dataset in
            groups contains slashes.

    Raises:
        ValueError: if the suffix is wrong, the file is not HDF5 or is damaged, or a layer is missing or not an activation.
        OSError: if the file cannot be read.
    """
    file = file_path(file, SUFFIX)
    with open_hdf5(file) as h5:
        datasets = find_datasets(file, h5)
        names = sorted(datasets) if layers is None else _layer_names(layers)
        for name in names:
            if name not in datasets:
                raise HDF5Error(f"{file}: {missing_layer_message(name, datasets)}")
        return Activation({name: HDF5Layer.from_dataset(file, name, datasets[name]) for name in names})


def write(
    activation: Activation | Mapping[str, npt.ArrayLike], file: str | Path, record: Mapping[str, Any] | None = None
) -> None:
    """Write an ``.act.h5`` file that DNNBrain can read.

    Layers are written block by block, so a layer may be larger than memory.

    Args:
        activation: an ``Activation``, or arrays by the name of their layer. It may contain layers of ``file`` itself, which is
            replaced at the end.
        file: path whose name ends in ``.act.h5``.
        record: JSON values by name that describe the computation, such as those of ``saliency info``; they are written as
            attributes, which DNNBrain ignores.

    Raises:
        ValueError: if the suffix is wrong, a layer's name cannot be the path of a dataset, or an array is not an activation.
        OSError: if the file cannot be written.
    """
    file = file_path(file, SUFFIX)
    activation = activation if isinstance(activation, Activation) else Activation(activation)
    check_layer_names(file, activation.layers)
    with create_hdf5(file) as writer:
        writer.write_attributes(record or {})
        for name, layer in activation.layers.items():
            write_layer(writer, name, layer)


def _layer_names(layers: Iterable[str]) -> list[str]:
    names = list(layers) if isinstance(layers, Iterable) and not isinstance(layers, str) else [None]
    if not all(isinstance(name, str) for name in names):
        raise HDF5Error(f"`layers` ({type(layers).__name__}) must be a list of the names of layers")
    return list(map(str, names))


@contextmanager
def _name_layer_in_errors(name: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"layer {name}: {error}") from None
