"""The record of a computation in the files of the commands, and ``saliency info``, which prints it."""

import json

import h5py
import numpy as np
import pytest

import saliency
from saliency.cli.dnn_act import main as dnn_act
from saliency.cli.dnn_mask import main as dnn_mask
from saliency.cli.main import main
from saliency.core.weights_checksum import weights_checksum
from saliency.io.provenance import ProvenanceError, read_provenance
from tests.cli.saliency_command import BASE, BUNDLED, NAMES, run, table

pytestmark = pytest.mark.needs("torch")


def checksum():
    return weights_checksum(saliency.wrap(saliency.nets.load("DemoNet")))


@pytest.mark.parametrize("kind", ["jpg", "png", "pdf", "svg"])
def test_figures_and_maps_have_the_record(tmp_path, capsys, kind):
    save = "h5" if kind == "png" else "npz"
    words = [*BUNDLED, "-stim", table(tmp_path, NAMES[:2]), "-format", kind, "-save", save, "-out", tmp_path]
    words += ["-meth", "gradientshap", "-set", "x_steps=2"]
    assert run(capsys, *words)[0] == 0
    base = BASE.replace("guided", "gradientshap")
    files = [file for file in tmp_path.iterdir() if file.name.startswith(base) or file.name.startswith("DemoNet")]
    assert sorted(file.suffix for file in files) == sorted([f".{kind}", f".{save}"])
    for file in files:
        record = read_provenance(file)
        assert record["network"] == "DemoNet" and record["layers"] == {"fc1": [4, 8]} and record["method"] == "GradientSHAP"
        assert record["options"]["x_steps"] == 2 and record["options"]["seed"] == 0 and record["units"] == "score"
        assert record["weights_sha256"] == checksum() and record["stimuli"] == NAMES[:2]
        assert record["versions"]["saliency"] == saliency.__version__ and "torch" in record["versions"]
        assert main(["info", str(file)]) == 0
        printed = capsys.readouterr().out
        assert f"stimuli         {NAMES[0]}, {NAMES[1]}\n" in printed and f"weights_sha256  {checksum()}\n" in printed
        assert main(["info", str(file), "-json"]) == 0
        assert json.loads(capsys.readouterr().out) == record


def test_activations_keep_the_record_and_their_layout(tmp_path, capsys):
    act, extracted = tmp_path / "a.act.h5", tmp_path / "b.act.h5"
    stim = table(tmp_path, NAMES[:3])
    assert dnn_act(["-net", "DemoNet", "-layer", "fc1", "-chn", "2", "5", "-stim", stim, "-out", str(act)]) == 0
    assert dnn_mask(["-act", str(act), "-layer", "fc1", "-chn", "2", "-out", str(extracted)]) == 0
    record = read_provenance(act)
    assert record["layers"] == {"fc1": [2, 5]} and record["stimuli"] == NAMES[:3] and record["weights_sha256"] == checksum()
    assert read_provenance(extracted) == {**record, "extracted_by": "dnn_mask", "extracted_from": "a.act.h5"}
    with h5py.File(act) as file:  # all that DNNBrain reads
        assert list(file) == ["fc1"] and file["fc1"].shape == (3, 2, 1, 1) and not file["fc1"].attrs
    capsys.readouterr()


def test_the_report_has_the_record(tmp_path, capsys):
    pytest.importorskip("jinja2")
    page = tmp_path / "a.html"
    words = [*BUNDLED, "-stim", table(tmp_path, NAMES[:1]), "-meth", "vanilla", "gradcam", "-out", str(page)]
    assert main(["report", *words]) == 0
    record = read_provenance(page)
    assert list(record["methods"]) == ["vanilla", "gradcam"] and record["weights_sha256"] == checksum()
    assert record["methods"]["gradcam"]["units"] == "fraction of the maximum"
    capsys.readouterr()


def test_a_file_without_a_record_is_refused(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    (tmp_path / "b.npz").write_bytes(b"no zip")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.attrs["title"] = "{not JSON"
    for name, reason in [("a.npz", "no record"), ("b.npz", "is damaged"), ("c.h5", "no record"), ("d.csv", "must be one of")]:
        with pytest.raises(ProvenanceError, match=reason):
            read_provenance(tmp_path / name)
        assert main(["info", str(tmp_path / name)]) == 2
    assert main(["info", str(tmp_path / "none.h5")]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 5 and all(line.startswith("saliency info: error: ") for line in errors)
