"""Run ``dnn_mask`` as a user does."""

import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests import dnnbrain
from tests.cli.mask_command import LAYERS, run
from tests.dnnbrain import CLI, FIXTURES, FORMATS, needs_fixtures

SEED = FIXTURES.parents[1] / "seeds" / "003_ae9b4d9e2fdc6334.txt"


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
def test_selected_units_are_extracted(options, mask_folder, capsys):
    assert run(capsys, f"-act test.act.h5 {options} -out out.act.h5") == (0, "", "")
    assert dnnbrain.structure(mask_folder / "out.act.h5") == dnnbrain.structure(
        dnnbrain.write(mask_folder / "theirs.act.h5", MASKED[options])
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
def test_documented_commands_run_as_printed(mask_folder, capsys):
    commands = re.findall(r"^ +dnn_mask (-.*)$", SEED.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) == 2
    for name in ("test.act.h5", "test.stim.csv", "test.dmask.csv"):
        (mask_folder / name).write_bytes((FORMATS / name).read_bytes())
    for i, command in enumerate(commands, start=1):
        assert run(capsys, command) == (0, "", "")
        for layer, array in arrays(CLI / f"dnn_mask{i}.act.h5").items():
            np.testing.assert_array_equal(arrays(f"dnn_mask{i}.act.h5")[layer], array)


def test_the_output_may_be_the_input(mask_folder, capsys):
    for _ in range(2):
        assert run(capsys, "-act test.act.h5 -layer conv5 -chn 3 1 2 -out ./test.act.h5") == (0, "", "")
    np.testing.assert_array_equal(arrays("test.act.h5")["conv5"], LAYERS["conv5"][:, [1, 2, 0]])
    assert sorted(path.name for path in mask_folder.iterdir()) == ["test.act.h5", "test.dmask.csv", "test.stim.csv"]


def test_an_existing_output_is_replaced(mask_folder, capsys):
    Path("out.act.h5").write_text("old")
    assert run(capsys, "-act test.act.h5 -layer fc3 -out out.act.h5")[0] == 0
    assert list(arrays("out.act.h5")) == ["fc3"]
