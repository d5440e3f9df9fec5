"""Copies of untrusted HDF5 files: equal contents, no links, and no more than the limit."""

import zipfile

import h5py
import numpy as np
import pytest

from saliency.io import hdf5_copy

LIMIT = 10**6


def copy(tmp_path, make, limit=LIMIT):
    with h5py.File(tmp_path / "a.h5", "w") as h5:
        make(h5)
    hdf5_copy.HDF5Copier(limit).copy(str(tmp_path / "a.h5"), str(tmp_path / "b.h5"))
    return h5py.File(tmp_path / "b.h5")


def test_groups_datasets_and_attributes_are_copied(tmp_path):
    def make(h5):
        h5.attrs["layer_names"] = [b"conv", b"fc"]
        h5.attrs["config"] = "{}"
        h5.attrs["none"] = np.zeros(0)
        h5.attrs["empty"] = h5py.Empty("f4")
        values = h5.create_dataset("conv/vars/0", data=np.arange(12.0).reshape(3, 4), compression="gzip")
        values.attrs["unit"] = "mV"
        h5["words"] = ["x", "long"]
        h5["half"] = np.ones(3, np.float16)
        h5["raw"] = np.ones(3, "V2")
        h5["nothing"] = h5py.Empty("f4")

    with copy(tmp_path, make) as found, h5py.File(tmp_path / "a.h5") as given:
        assert found.attrs["config"] == "{}"
        assert found.attrs["layer_names"].tolist() == given.attrs["layer_names"].tolist() != []
        assert found.attrs.get_id("layer_names").dtype == given.attrs.get_id("layer_names").dtype
        assert found.attrs["none"].shape == (0,) and isinstance(found.attrs["empty"], h5py.Empty)
        assert found["conv/vars/0"].attrs["unit"] == "mV" and list(found["words"].asstr()) == ["x", "long"]
        for name in ("conv/vars/0", "half", "raw"):
            assert found[name].dtype == given[name].dtype
            np.testing.assert_array_equal(found[name][()], given[name][()])


def soft_link(h5):
    h5["x"] = h5py.SoftLink("/nowhere")


def cycle(h5):
    h5.create_group("a")["a"] = h5["/"]


def bomb(h5):
    h5.create_dataset("a", shape=(10**10, 2000), dtype="f4", compression="gzip")


def external(h5):
    h5.create_dataset("a", shape=(4, 2), dtype="f4", external=[("/etc/passwd", 0, 32)])


def several(h5):
    for i in range(3):
        h5[str(i)] = np.zeros(100_000, "f4")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (soft_link, "x is a link"),
        (cycle, "can be reached by two paths"),
        (bomb, "declare more than 1000000 bytes; `max_model_bytes`"),
        (several, "declare more than 1000000 bytes"),
        (external, "stores its values in other files"),
    ],
)
def test_other_contents_are_refused(make, message, tmp_path):
    with pytest.raises(hdf5_copy.CopyError, match=message):
        copy(tmp_path, make)


def test_a_dataset_that_declares_more_than_it_stores_is_refused(tmp_path):
    with pytest.raises(hdf5_copy.CopyError, match="/a declares 80000000000000 bytes and stores 0"):
        copy(tmp_path, bomb, limit=10**14)


def test_an_archive_keeps_its_other_files(tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as h5:
        h5["a"] = np.ones(3)
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.write(tmp_path / "w.h5", "model.weights.h5")
        archive.writestr("config.json", "{}")
    assert hdf5_copy.main([str(tmp_path / "a.keras"), str(tmp_path / "b.keras"), "1000"]) == 0
    with zipfile.ZipFile(tmp_path / "b.keras") as archive:
        assert archive.read("config.json") == b"{}"
        (tmp_path / "found.h5").write_bytes(archive.read("model.weights.h5"))
    with h5py.File(tmp_path / "found.h5") as h5:
        np.testing.assert_array_equal(h5["a"][:], np.ones(3))


def test_errors_are_one_line(tmp_path, capsys):
    (tmp_path / "a.h5").write_text("hello\n")
    assert hdf5_copy.main([str(tmp_path / "a.h5"), str(tmp_path / "b.h5"), "1000"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
