"""Read the table of a ``.stim.csv`` file as a Ray dataset."""

import os
from pathlib import Path
from typing import Any

from saliency.io import stim
from saliency.ray.installation import import_ray


def read_stimuli(file: str | os.PathLike[str], rows_per_block: int = 64) -> Any:
    """Read a ``.stim.csv`` file: a row for each stimulus, in order; the pictures are read by the workers.

    Args:
        file: path of the file. A relative ``path=`` is resolved as in the commands: relative to the working directory, or to
            the file if there is no such folder.
        rows_per_block: number of stimuli that Ray hands out together.

    Returns:
        A ``ray.data.Dataset`` with ``index`` (from 0), ``name`` (the stimID), ``path`` (absolute), and the other columns of
        the file.

    Raises:
        ImportError: if Ray is not installed.
        ValueError, OSError: if the file cannot be read, or its stimuli are not images.
    """
    data = import_ray("ray.data")
    table = stim.read(Path(file))
    if table.type != "image":
        raise ValueError(f"{file}: stimuli of type {table.type} are not supported; the type must be image")
    folder = Path(table.path)
    beside = Path(file).parent / table.path
    folder = beside if os.path.isdir(beside) and not os.path.isdir(folder) else folder
    columns = {name: values.tolist() for name, values in table.data.items() if name not in ("stimID", "index", "name", "path")}
    rows = [
        {"index": i, "name": str(name), "path": str((folder / str(name)).absolute()), **{k: v[i] for k, v in columns.items()}}
        for i, name in enumerate(table.data["stimID"])
    ]
    return data.from_items(rows, override_num_blocks=max(1, -(-len(rows) // rows_per_block)))
