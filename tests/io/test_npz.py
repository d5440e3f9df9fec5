"""Maps in ``.npz`` files: what is written is read again, and a damaged file is one clear error."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from saliency.io.npz import NUMBER, NpzError, create_npz, read_maps

MAPS = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("f4")


def write(path: Path) -> Path:
    with create_npz(path) as file:
        file.add(NUMBER, np.array([5, 3]))
        file.add("maps", MAPS)
    return path


def test_maps_are_read_as_written(tmp_path):
    ((name, rows, maps),) = read_maps(write(tmp_path / "a.npz"), "delete it")
    assert name == "maps" and rows.tolist() == [4, 2]
    np.testing.assert_array_equal(maps, MAPS)


@pytest.mark.parametrize("name", [NUMBER, "maps"])
def test_an_entry_without_the_header_of_an_array_is_damage(name, tmp_path):
    path = write(tmp_path / "a.npz")
    with zipfile.ZipFile(path) as file:
        entries = {each: file.read(each) for each in file.namelist()}
    entries[f"{name}.npy"] = b"no array" * 20
    with zipfile.ZipFile(path, "w") as file:
        for each, content in entries.items():
            file.writestr(each, content)
    with pytest.raises(NpzError, match=rf"a.npz: is damaged \(ValueError: {name} is not an array\); delete it"):
        list(read_maps(path, "delete it"))
