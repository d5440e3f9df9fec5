"""Files of figures carry the record of the computation, as those of the commands do."""

import copy
import io

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency import GuidedBackprop, MaskArray, Occlusion, Vanilla
from saliency.cli.main import main
from saliency.io.provenance import ProvenanceError, read_provenance
from tests.reference import linear

RNG = np.random.default_rng(7)
X = RNG.normal(size=(2, 3, 8, 10))
MODEL = linear(RNG.normal(size=(4, 3, 8, 10)))


@pytest.mark.parametrize("kind", ["png", "jpg", "pdf", "svg"])
def test_the_file_of_a_mask_states_its_method_options_target_and_unit(tmp_path, kind):
    mask = Occlusion(MODEL, 2, size=3).GetSmoothedMask(X[0], nsamples=2, seed=7)
    mask.figure().savefig(tmp_path / f"a.{kind}")
    record = read_provenance(tmp_path / f"a.{kind}")
    assert (record["method"], record["target"], record["units"]) == ("Occlusion, smoothed", "class 2", "(score)²")
    assert (record["options"]["size"], record["options"]["stride"], record["options"]["seed"]) == (3, 1, 7)
    assert record["versions"]["saliency"] == saliency.__version__


def test_a_figure_of_several_methods_has_the_record_of_each(tmp_path, capsys):
    guided = GuidedBackprop(MODEL, allow_no_relu=True).GetMasks(X, y=[1, 3])
    saliency.figure([Vanilla(MODEL, 2).GetMasks(X), guided]).savefig(tmp_path / "a.pdf")
    record = read_provenance(tmp_path / "a.pdf")
    assert [one["method"] for one in record["masks"]] == ["Vanilla", "GuidedBackprop"] and "versions" in record
    assert [one["target"] for one in record["masks"]] == [["class 2", "class 2"], ["class 1", "class 3"]]
    assert record["masks"][1]["options"]["allow_no_relu"] is True
    assert main(["info", str(tmp_path / "a.pdf")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["masks[0]", "masks[1]", "versions"]


def test_the_record_survives_copying_and_indexing_and_yields_to_the_users(tmp_path):
    mask = copy.deepcopy(Vanilla(MODEL, 1).GetMasks(X))[1]
    mask.figure().savefig(tmp_path / "a.png")
    assert read_provenance(tmp_path / "a.png")["target"] == "class 1"
    mask.figure().savefig(tmp_path / "b.png", metadata={"Description": "mine"})
    with Image.open(tmp_path / "b.png") as written:
        assert written.info["Description"] == "mine"
    assert "Description" not in Image.open(io.BytesIO(mask._repr_png_()[0])).info  # a notebook's, the same in every release


def test_an_array_without_a_description_has_no_record(tmp_path):
    MaskArray.of(X[0], {}).figure().savefig(tmp_path / "a.png")
    with pytest.raises(ProvenanceError, match="no record"):
        read_provenance(tmp_path / "a.png")


def test_the_top_class_is_named_as_the_target_of_a_method_without_one():
    assert Vanilla(MODEL).GetMask(X[0]).about.record["target"] == "the top class of each input"
    assert Vanilla(MODEL, 3).GetMask(X[0]).about.record["target"] == 3
