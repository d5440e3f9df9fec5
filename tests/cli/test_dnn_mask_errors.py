"""``dnn_mask`` reports an error in one line and writes nothing."""

import shlex
from pathlib import Path

import h5py
import pytest

from saliency.cli.dnn_mask import main
from tests import dnnbrain
from tests.cli.mask_command import LAYERS, STIMULI, run

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
def test_errors_are_one_line_and_nothing_is_written(command, mask_folder, capsys):
    message = COMMAND_ERRORS.get(command) or OPTION_ERRORS[command.removeprefix("-act test.act.h5 -out out.act.h5 ")]
    for name, text in {
        "layer": "conv55=\n",
        "row": "conv5=row\n14\n",
        "one": "conv5=row\n1\n",
        "zero": "conv5=chn\n0\n",
    }.items():
        (mask_folder / f"{name}.dmask.csv").write_text(text)
    (mask_folder / "five.stim.csv").write_text(STIMULI + "\ne.png")
    (mask_folder / "broken.stim.csv").write_text("type=image\npath=p\n")
    (mask_folder / "folder.act.h5").mkdir()
    (mask_folder / "garbage.act.h5").write_text("garbage")
    (mask_folder / "cut.act.h5").write_bytes((mask_folder / "test.act.h5").read_bytes()[:20_000])
    dnnbrain.write(mask_folder / "empty.act.h5", {})
    dnnbrain.write(mask_folder / "two.act.h5", {"conv5": LAYERS["conv5"][:, :, 0, 0]})
    with h5py.File(mask_folder / "bomb.act.h5", "w") as h5:
        h5.create_dataset("conv5", shape=(10**10, 2000, 1, 1), dtype="f4", compression="gzip")
    with h5py.File(mask_folder / "link.act.h5", "w") as h5:
        h5["a"] = h5py.ExternalLink("test.act.h5", "/fc3")
    before = {path: path.stat().st_mtime_ns for path in mask_folder.iterdir()}
    status, printed, errors = run(capsys, command)
    assert status == 2
    assert message in errors and "Traceback" not in errors and printed == ""
    assert errors.startswith("dnn_mask: error: ") and len(errors.strip().splitlines()) == 1
    assert {path: path.stat().st_mtime_ns for path in mask_folder.iterdir()} == before


def test_damage_that_is_found_late_leaves_no_output(mask_folder, capsys):
    with h5py.File("test.act.h5") as h5:
        piece = h5["fc3"].id.get_chunk_info(0)
    with Path("test.act.h5").open("r+b") as file:
        file.seek(piece.byte_offset + piece.size // 2)
        file.write(b"\xff\x00\xff\x00")
    status, _, errors = run(capsys, "-act test.act.h5 -out out.act.h5")
    assert status == 2 and "test.act.h5: cannot be read as HDF5" in errors and len(errors.splitlines()) == 1
    assert len(list(mask_folder.iterdir())) == 3


def test_an_interrupt_writes_nothing(mask_folder, capsys, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("saliency.io.act.write_layer", stop)
    assert run(capsys, "-act test.act.h5 -out out.act.h5") == (130, "", "dnn_mask: interrupted; nothing was written\n")
    assert len(list(mask_folder.iterdir())) == 3


def test_debug_raises_the_error(mask_folder):
    with pytest.raises(ValueError, match="no layer"):
        main(shlex.split("-act test.act.h5 -layer conv9 -out out.act.h5 -debug"))
