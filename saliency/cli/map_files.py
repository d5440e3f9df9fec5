"""Save maps as numbers: one ``.npz`` file per figure, or one ``.h5`` file for all stimuli."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from saliency.io.hdf5_store import create_hdf5_store
from saliency.io.merged_maps import merge_maps
from saliency.io.npz import NAMES, NUMBER, PROVENANCE, NpzWriter, create_npz

CHANNELS_SUFFIX = "_channel"
"""Ends the name of the array of the channels, (n,) or (n, 2), counting from 1, of maps that explain another for each image."""


@contextmanager
def open_map_writer(
    path: Path, names: Sequence[str], numbers: Sequence[int], record: Mapping[str, Any]
) -> Iterator[NpzWriter]:
    """Write the maps of n stimuli: ``stimID``, ``number``, ``provenance``, and the arrays that the block adds.

    Args:
        path: path of the file, which appears when the block ends without an error.
        names: stimIDs.
        numbers: numbers of the stimuli in their file, counting from 1.
        record: describes the computation.
    """
    with create_npz(path) as maps:
        maps.add(NAMES, np.asarray(names, np.str_))
        maps.add(NUMBER, np.asarray(numbers, np.int64))
        maps.add(PROVENANCE, json.dumps({**record, "stimuli": list(names)}))
        yield maps


def merge_map_files(parts: Iterable[Path], names: Sequence[str], path: Path, record: Mapping[str, Any]) -> None:
    """Merge ``.npz`` files into one HDF5 file: ``stimID``, and a dataset (stimuli, *map) per channel.

    Each dataset has checksums: HDF5 refuses to read a map whose bytes have changed. The channels of maps that explain another
    one for each stimulus are a dataset as well.

    Args:
        parts: the ``.npz`` files.
        names: stimIDs of all stimuli.
        path: path of the HDF5 file. The map of a stimulus that is in none of the parts is NaN, and its channel is -1.
        record: describes the computation, for the attributes of the file.

    Raises:
        NpzError: if a part is damaged.
        OSError: if the file cannot be written.
    """
    with create_hdf5_store(path) as store:
        store.describe(record)
        store.put(NAMES, np.asarray(names, np.str_))
        merge_maps(parts, len(names), store, 1, "run the same command again, which computes its maps again")
