"""A resumed ``dnn_saliency`` run checks its finished figures and maps, and makes damaged ones again."""

import shutil

import h5py
import numpy as np
import pytest

from saliency.cli.map_files import merge_map_files, open_map_writer
from saliency.io.npz import NpzError
from saliency.io.working_file import WorkingFileError
from tests.cli.saliency_command import run, table

NAMES = [f"scene_{i:02d}.png" for i in range(13)]
BASE = "DemoNet_fc1_chn4_vanilla_gray"
ARGUMENTS = ["-net", "DemoNet", "-layer", "fc1", "-chn", "4", "-meth", "vanilla", "-mode", "gray", "-save", "h5"]


def interrupt(*arguments):
    raise KeyboardInterrupt


def change(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def replace_by_link(file):
    content = file.read_bytes()
    file.with_name("theirs").write_bytes(content)
    file.unlink()
    file.symlink_to("theirs")


DAMAGE = {
    "a missing figure": ("{}_fig1.jpg", lambda file: file.unlink(), "1 is"),
    "a changed figure": ("{}_fig2.jpg", change, "1 is"),
    "missing maps": (".{}_fig1.npz", lambda file: file.unlink(), "1 is"),
    "changed maps": (".{}_fig3.npz", change, "1 is"),
    "short maps": (".{}_fig3.npz", lambda file: file.write_bytes(file.read_bytes()[:-50]), "1 is"),
    "a link": ("{}_fig1.jpg", replace_by_link, "1 is"),
    "nothing": ("{}_fig1.jpg", lambda file: None, ""),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The arguments of a run, its files, and the files that it leaves if it is stopped before or after it merges the maps."""
    folder = tmp_path_factory.mktemp("runs")
    arguments = [*ARGUMENTS, "-stim", table(folder, [*NAMES[:3], "none.png", *NAMES[3:]]), "-out"]

    def files(name, stopped_at):
        with pytest.MonkeyPatch.context() as patch:
            if stopped_at:
                patch.setattr(stopped_at, interrupt)
            assert main(list(map(str, [*arguments, folder / name]))) == (130 if stopped_at else 1)
        return folder / name

    from saliency.cli.dnn_saliency import main

    return (
        arguments,
        files("whole", None),
        files("computed", "saliency.cli.saliency_run.merge_map_files"),
        files("merged", "saliency.io.journal.Journal.finish"),
    )


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "theirs"}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_pieces_are_made_again(case, folders, tmp_path, capsys):
    arguments, whole, computed, _ = folders
    name, damage, count = DAMAGE[case]
    out = shutil.copytree(computed, tmp_path / "out")
    damage(out / name.format(BASE))
    status, printed, errors = run(capsys, *arguments, out)
    message = f"dnn_saliency: of 3 finished figures, {count} missing or damaged and will be computed again\n"
    assert status == 1 and errors.count("missing or damaged") == errors.count(message) == bool(count)
    assert printed.count("Finish") == bool(count) and contents(out) == contents(whole)
    assert not (out / "theirs").exists() or not (out / name.format(BASE)).is_symlink()


@pytest.mark.needs("torch")
@pytest.mark.parametrize(("damage", "made"), [(change, 3), (lambda file: None, 0)])
def test_merged_maps_are_checked(damage, made, folders, tmp_path, capsys):
    arguments, whole, _, merged = folders
    out = shutil.copytree(merged, tmp_path / "out")
    damage(out / f"{BASE}.h5")
    status, printed, _ = run(capsys, *arguments, out)
    assert (status, printed.count("Finish")) == (1, made) and contents(out) == contents(whole)


@pytest.fixture
def part(tmp_path):
    maps = np.random.default_rng(0).random((2, 3, 8, 8), np.float32)
    with open_map_writer(tmp_path / ".part.npz", ["a", "b"], [1, 3], {}) as writer:
        writer.add("chn1", maps)
    return tmp_path / ".part.npz", maps


def test_damaged_maps_are_our_error(part, tmp_path):
    file, maps = part
    whole, refused, rng = file.read_bytes(), 0, np.random.default_rng(0)
    for k in range(200):
        damaged = bytearray(whole[: rng.integers(len(whole))] if k % 4 == 0 else whole)
        if damaged:
            damaged[rng.integers(len(damaged))] ^= 1 << int(rng.integers(8))
        file.write_bytes(damaged)
        try:
            merge_map_files([file], ["a", "none", "b"], tmp_path / "maps.h5", {})
        except NpzError as error:
            assert ".part.npz: is damaged (" in str(error) and "run the same command again" in str(error)
            refused += 1
        else:
            with h5py.File(tmp_path / "maps.h5") as h5:
                np.testing.assert_array_equal(h5["chn1"][[0, 2]], maps)
    assert refused > 100


def test_maps_are_not_read_through_a_link(part, tmp_path):
    file, _ = part
    (tmp_path / ".link.npz").symlink_to(file)
    with pytest.raises(WorkingFileError, match="is a link"):
        merge_map_files([tmp_path / ".link.npz"], ["a", "none", "b"], tmp_path / "maps.h5", {})


def test_a_changed_byte_of_merged_maps_is_detected(part, tmp_path):
    file, maps = part
    merge_map_files([file], ["a", "none", "b"], tmp_path / "maps.h5", {})
    content = bytearray((tmp_path / "maps.h5").read_bytes())
    content[bytes(content).index(maps[1].tobytes()) + 100] ^= 4
    (tmp_path / "maps.h5").write_bytes(content)
    with h5py.File(tmp_path / "maps.h5") as h5:
        np.testing.assert_array_equal(h5["chn1"][0], maps[0])
        assert np.isnan(h5["chn1"][1]).all()
        with pytest.raises(OSError, match="filter returned failure"):
            h5["chn1"][2]
