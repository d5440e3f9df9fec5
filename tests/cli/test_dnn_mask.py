"""Run ``dnn_mask`` as a user does."""

import re
import shlex
from pathlib import Path

import h5py
import numpy as np
import pytest

from saliency.cli.dnn_mask import main
from tests import dnnbrain
from tests.dnnbrain import CLI, FIXTURES, FORMATS, needs_fixtures

LAYERS = dnnbrain.layers()
STIMULI = "type=image\npath=images\ndata=stimID\n" + "\n".join(f"{name}.png" for name in "abcd")
SEED = FIXTURES.parents[1] / "seeds" / "003_ae9b4d9e2fdc6334.txt"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with files of activations, stimuli and a mask."""
    dnnbrain.write(tmp_path / "test.act.h5", LAYERS)
    (tmp_path / "test.stim.csv").write_text(STIMULI)
    (tmp_path / "test.dmask.csv").write_text("conv5=chn,row,col\n1,2,3\n4,5\n6,7,8\nfc3=chn\n1,2,3\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, command):
    status = main(shlex.split(command))
    return status, *capsys.readouterr()


def arrays(file):
    with h5py.File(file) as h5:
        return {name: dataset[:] for name, dataset in h5.items()}


def extracted(layer, channels, rows=None, columns=None):
    return {layer: LAYERS[layer][np.ix_(range(4), channels, *(range(n) if which is None else which for n, which in zip(LAYERS[layer].shape[2:], (rows, columns), strict=True)))]}  # fmt: skip


MASKED = {
    "-layer conv5 -chn 1 2 3": extracted("conv5", [0, 1, 2]),
    "-layer conv5 -chn 1 2 3 -stim ./test.stim.csv": extracted("conv5", [0, 1, 2]),
    "-dmask test.dmask.csv": extracted("conv5", [0, 1, 2], [3, 4], [5, 6, 7]) | extracted("fc3", [0, 1, 2]),
    "-layer conv5 fc3 -chn 2 9": extracted("conv5", [1]) | extracted("fc3", [8]),
    "-layer fc3 conv5": {name: LAYERS[name] for name in ("fc3", "conv5")},
    "-layer conv5 -chn 8 1 8": extracted("conv5", [7, 0, 7]),
    "--layer=fc3 --chn 10": extracted("fc3", [9]),
    "": LAYERS,
}


@pytest.mark.parametrize("options", MASKED)
def test_selected_units_are_extracted(options, folder, capsys):
    assert run(capsys, f"-act test.act.h5 {options} -out out.act.h5") == (0, "", "")
    assert dnnbrain.structure(folder / "out.act.h5") == dnnbrain.structure(
        dnnbrain.write(folder / "theirs.act.h5", MASKED[options])
    )
    written = arrays("out.act.h5")
    for name, array in MASKED[options].items():
        np.testing.assert_array_equal(written[name], array)


FIXED = {
    "dnn_mask1": "-layer conv5 -chn 1 2 3",
    "dnn_mask2": "-dmask test.dmask.csv",
    "dnn_mask3_paired": "-layer conv5 fc3 -chn 2 9",
    "dnn_mask4_alllayers": "-layer fc3 conv5",
    "dnn_mask5_axisorder": "-dmask axis_order.dmask.csv",
    "dnn_mask6_chn0_is_last": "-layer conv5 -chn 8",  # DNNBrain's output for -chn 0, which is an error here
}


@needs_fixtures
@pytest.mark.parametrize("name", FIXED)
def test_outputs_equal_dnnbrain_s(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(FORMATS)
    ours, theirs = tmp_path / "out.act.h5", CLI / f"{name}.act.h5"
    assert run(capsys, f"-act test.act.h5 {FIXED[name]} -out {ours}") == (0, "", "")
    assert dnnbrain.structure(ours) == dnnbrain.structure(theirs)
    for layer, array in arrays(theirs).items():
        np.testing.assert_array_equal(arrays(ours)[layer], array)


@pytest.mark.skipif(not SEED.exists(), reason="DNNBrain's document is not here")
def test_documented_commands_run_as_printed(folder, capsys):
    commands = re.findall(r"^ +dnn_mask (-.*)$", SEED.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) == 2
    for name in ("test.act.h5", "test.stim.csv", "test.dmask.csv"):
        (folder / name).write_bytes((FORMATS / name).read_bytes())
    for i, command in enumerate(commands, start=1):
        assert run(capsys, command) == (0, "", "")
        for layer, array in arrays(CLI / f"dnn_mask{i}.act.h5").items():
            np.testing.assert_array_equal(arrays(f"dnn_mask{i}.act.h5")[layer], array)


def test_the_output_may_be_the_input(folder, capsys):
    for _ in range(2):
        assert run(capsys, "-act test.act.h5 -layer conv5 -chn 3 1 2 -out ./test.act.h5") == (0, "", "")
    np.testing.assert_array_equal(arrays("test.act.h5")["conv5"], LAYERS["conv5"][:, [1, 2, 0]])
    assert sorted(path.name for path in folder.iterdir()) == ["test.act.h5", "test.dmask.csv", "test.stim.csv"]


def test_an_existing_output_is_replaced(folder, capsys):
    Path("out.act.h5").write_text("old")
    assert run(capsys, "-act test.act.h5 -layer fc3 -out out.act.h5")[0] == 0
    assert list(arrays("out.act.h5")) == ["fc3"]


OPTION_ERRORS = {
    "-layer conv5 -chn 0": "-chn: invalid channel '0': must be a whole number, counting from 1",
    "-layer conv5 -chn -1": "invalid channel '-1': must be a whole number, counting from 1",
    "-layer conv5 -chn 9": "-chn (=9) must be between 1 and 8: conv5 has 8 channels",
    "-layer conv5 -chn 1,2": "invalid channel '1,2': must be a whole number",
    "-layer conv5 fc3 -chn 1 2 3": "-chn (3 channels) must match -layer (2 layers)",
    "-layer conv5 conv5 -chn 1 2": "-layer (conv5 conv5) names a layer twice",
    "-layer conv9": "test.act.h5: has no layer conv9; nearest: conv5; layers: conv1_maxpool, conv5, fc3",
    "-chn 1": "-chn needs -layer",
    "-layer conv5 -dmask test.dmask.csv": "-dmask cannot be combined with -layer or -chn",
    "-chn 1 -dmask test.dmask.csv": "-dmask cannot be combined with -layer or -chn",
    "-dmask none.dmask.csv": "none.dmask.csv: No such file",
    "-dmask test.stim.csv": "test.stim.csv: the name must end in .dmask.csv",
    "-dmask layer.dmask.csv": "has no layer conv55; nearest: conv5",
    "-dmask row.dmask.csv": "row.dmask.csv: row (=14) must be between 1 and 13: conv5 has 13 rows",
    "-dmask zero.dmask.csv": "zero.dmask.csv: line 2: conv5's chn (='0') must be whole numbers, 1 or more",
    "-stim five.stim.csv": "-stim (five.stim.csv) has 5 stimuli, but conv1_maxpool in test.act.h5 has 4",
    "-stim none.stim.csv": "none.stim.csv: No such file",
    "-stim broken.stim.csv": "broken.stim.csv: has no data= line",
    "-o x.act.h5": "unknown option -o; did you mean -out?",
    "-hello": "unknown option -hello",
    "-lay conv5": "unknown option -lay; did you mean -layer?",
    "-layer": "-layer: expected at least one argument",
    "surplus": "unrecognized arguments: surplus",
}
COMMAND_ERRORS = {
    "-act none.act.h5 -out out.act.h5": "none.act.h5: No such file",
    "-act test.stim.csv -out out.act.h5": "test.stim.csv: the name must end in .act.h5",
    "-act garbage.act.h5 -out out.act.h5": "garbage.act.h5: cannot be read as HDF5",
    "-act cut.act.h5 -out out.act.h5": "cut.act.h5: cannot be read as HDF5",
    "-act bomb.act.h5 -out out.act.h5": "bomb.act.h5: conv5 declares 80000000000000 bytes and stores 0",
    "-act empty.act.h5 -out out.act.h5": "-act (empty.act.h5) has no layers",
    "-act link.act.h5 -out out.act.h5": "link.act.h5: a is a link",
    "-act folder.act.h5 -out out.act.h5": "folder.act.h5: must be a regular file",
    "-act two.act.h5 -dmask one.dmask.csv -out out.act.h5": "layer conv5: it has no rows",
    "-act test.act.h5 -out out.h5": "-out (out.h5) must be a file whose name ends in .act.h5",
    "-act test.act.h5 -out folder.act.h5": "-out (folder.act.h5) must be a file",
    "-act test.act.h5 -out nowhere/out.act.h5": "No such file or directory",
    "-act test.act.h5": "required: -out",
    "-out out.act.h5": "required: -act",
    "": "required: -act, -out",
}


@pytest.mark.parametrize(
    "command", [*(f"-act test.act.h5 -out out.act.h5 {options}" for options in OPTION_ERRORS), *COMMAND_ERRORS]
)
def test_errors_are_one_line_and_nothing_is_written(command, folder, capsys):
    message = COMMAND_ERRORS.get(command) or OPTION_ERRORS[command.removeprefix("-act test.act.h5 -out out.act.h5 ")]
    for name, text in {
        "layer": "conv55=\n",
        "row": "conv5=row\n14\n",
        "one": "conv5=row\n1\n",
        "zero": "conv5=chn\n0\n",
    }.items():
        (folder / f"{name}.dmask.csv").write_text(text)
    (folder / "five.stim.csv").write_text(STIMULI + "\ne.png")
    (folder / "broken.stim.csv").write_text("type=image\npath=p\n")
    (folder / "folder.act.h5").mkdir()
    (folder / "garbage.act.h5").write_text("garbage")
    (folder / "cut.act.h5").write_bytes((folder / "test.act.h5").read_bytes()[:20_000])
    dnnbrain.write(folder / "empty.act.h5", {})
    dnnbrain.write(folder / "two.act.h5", {"conv5": LAYERS["conv5"][:, :, 0, 0]})
    with h5py.File(folder / "bomb.act.h5", "w") as h5:
        h5.create_dataset("conv5", shape=(10**10, 2000, 1, 1), dtype="f4", compression="gzip")
    with h5py.File(folder / "link.act.h5", "w") as h5:
        h5["a"] = h5py.ExternalLink("test.act.h5", "/fc3")
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    status, printed, errors = run(capsys, command)
    assert status == 2
    assert message in errors and "Traceback" not in errors and printed == ""
    assert errors.startswith("dnn_mask: error: ") and len(errors.strip().splitlines()) == 1
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_damage_that_is_found_late_leaves_no_output(folder, capsys):
    with h5py.File("test.act.h5") as h5:
        piece = h5["fc3"].id.get_chunk_info(0)
    with Path("test.act.h5").open("r+b") as file:
        file.seek(piece.byte_offset + piece.size // 2)
        file.write(b"\xff\x00\xff\x00")
    status, _, errors = run(capsys, "-act test.act.h5 -out out.act.h5")
    assert status == 2 and "test.act.h5: cannot be read as HDF5" in errors and len(errors.splitlines()) == 1
    assert len(list(folder.iterdir())) == 3


def test_an_interrupt_writes_nothing(folder, capsys, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("saliency.io.act.write_layer", stop)
    assert run(capsys, "-act test.act.h5 -out out.act.h5") == (130, "", "dnn_mask: interrupted; nothing was written\n")
    assert len(list(folder.iterdir())) == 3


def test_debug_raises_the_error(folder):
    with pytest.raises(ValueError, match="no layer"):
        main(shlex.split("-act test.act.h5 -layer conv9 -out out.act.h5 -debug"))
