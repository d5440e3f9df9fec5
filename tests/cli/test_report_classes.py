"""Labels, predictions and wrong predictions on the page of ``saliency report``."""

import json

import numpy as np
import pytest

import saliency
from saliency import nets
from tests.cli.report_page import read, run
from tests.cli.saliency_command import inputs
from tests.cli.test_targets_of_images import FEW, LABELS, write_table

pytest.importorskip("jinja2")
pytestmark = pytest.mark.needs("torch")
OPTIONS = ["-net", "DemoNet", "-meth", "vanilla"]


def classes(page):
    rows = page.all("div", class_="row", role="listitem")
    return [json.loads(attributes["data-classes"]) for _, attributes, _ in rows]


def expected_logits():
    network = nets.load("DemoNet")
    return np.array([network.model.eval()(saliency.wrap(network.model).asarray(x[None])).detach().numpy()[0]
                     for x in inputs(network, FEW)])  # fmt: skip


def test_rows_show_label_prediction_and_scores(tmp_path, capsys):
    out = tmp_path / "page.html"
    chosen = ["top", "target", "top-target", "4-8"]
    assert run(capsys, *OPTIONS, "-chn", *chosen, "-stim", write_table(tmp_path), "-out", out)[0] == 0
    page, logits = read(out), expected_logits()
    tops, rows = logits.argmax(axis=1), classes(page)
    assert [row["label"] for row in rows] == [f"digit {label}" for label in LABELS]
    assert [row["prediction"] for row in rows] == [f"digit {top}" for top in tops]
    assert [row["wrong"] for row in rows] == (tops != LABELS).tolist() and any(tops != LABELS) and any(tops == LABELS)
    np.testing.assert_allclose([row["score"] for row in rows], logits.max(axis=1), rtol=2e-3)
    of_labels = logits[range(4), LABELS]
    scores = np.stack([logits.max(axis=1), of_labels, logits.max(axis=1) - of_labels, logits[:, 3] - logits[:, 7]], axis=1)
    np.testing.assert_allclose(page.numbers("scores"), scores, rtol=2e-3, atol=2e-3)
    differences = [
        "same class" if top == label else f"digit {top} rather than digit {label}"
        for top, label in zip(tops, LABELS, strict=True)
    ]
    shown = [text for _, _, text in page.all("b")]
    assert [text for text in shown if "rather" in text or text == "same class"] == differences
    heads = [text for _, _, text in page.all("p") if text in ("top class", "label", "top class rather than label")]
    assert heads == ["top class", "label", "top class rather than label"]
    assert {option[1]["value"] for option in page.all("option")} >= {
        "wrong",
        "right",
        "label",
        "prediction",
        "score",
        "scores 3",
    }
    kinds = [one[1].keys() for one in page.all("template", class_="figures")]
    assert (
        ["data-class" in one for one in kinds] == [True, True, False, False] == ["data-difference" not in one for one in kinds]
    )
    assert f"{sum(tops != LABELS)} of 4" in [text for _, _, text in page.all("b")]


def test_only_wrong_predictions(tmp_path, capsys):
    wrong = [name for name, top, label in zip(FEW, expected_logits().argmax(axis=1), LABELS, strict=True) if top != label]
    names, labels = [*FEW, "none.png"] * 6, [*LABELS, 0] * 6  # two blocks
    table, out = write_table(tmp_path, "label", labels, names), tmp_path / "page.html"
    status, printed, _ = run(capsys, *OPTIONS, "-wrong", "-allow-duplicates", "-stim", table, "-out", out)
    assert status == 1 and printed == "Finish: 16/30\nFinish: 30/30\n"
    page = read(out)
    assert page.names == [*wrong, "none.png"] * 6 and len(page.pictures) == 6 * len(wrong)
    assert all(row["wrong"] or row["failed"] for row in classes(page))
    assert f"{6 * len(wrong)} of 24" in [text for _, _, text in page.all("b")]
    for column, layer in (("RT", []), ("label", ["-layer", "conv6", "-chn", "1"])):
        table = write_table(tmp_path, column)
        status, _, errors = run(capsys, *OPTIONS, "-wrong", *layer, "-stim", table, "-out", tmp_path / "other.html")
        assert status == 2 and "-wrong needs classes in the stimulus file" in errors


def test_signed_maps_and_strengths_side_by_side(tmp_path, capsys):
    out = tmp_path / "page.html"
    options = ["-meth", "vanilla", "gradcam", "-mode", "signed", "strength", "-chn", "4", "-layer", "fc1"]
    assert run(capsys, "-net", "DemoNet", *options, "-stim", write_table(tmp_path, "RT"), "-out", out)[0] == 0
    page = read(out)
    alts = [image[1]["alt"] for image in page.all("img", class_="map")]
    target = "channel 4 (digit 3)"
    assert alts == [f"map of vanilla for {target}", f"strength of the map of vanilla for {target}",
                    f"strength of the map of gradcam for {target}"]  # fmt: skip
    assert [len(row["maps"]) for row in page.pictures] == [3] * 4
    assert all(row["maps"][0] != row["maps"][1] for row in page.pictures)
    assert {row["label"] for row in classes(page)} == {None} and None not in {row["prediction"] for row in classes(page)}
    assert "wrong" not in {option[1]["value"] for option in page.all("option")}


def test_a_hidden_layer_has_no_predictions(tmp_path, capsys):
    out = tmp_path / "page.html"
    table = write_table(tmp_path, "label")
    assert run(capsys, *OPTIONS, "-layer", "conv6", "-chn", "1", "-stim", table, "-out", out)[0] == 0
    assert {(row["label"], row["prediction"], row["wrong"]) for row in classes(read(out))} == {(None, None, None)}


def test_names_of_classes_are_escaped(tmp_path, capsys):
    hostile = "<script>alert('1')</script>\""
    (tmp_path / "names.txt").write_text("\n".join([hostile, *(f"c{i}" for i in range(9))]), encoding="utf-8")
    out = tmp_path / "page.html"
    options = ["-class-names", tmp_path / "names.txt", "-chn", "1", "top", "target", "-stim", write_table(tmp_path)]
    assert run(capsys, *OPTIONS, *options, "-out", out)[0] == 0
    page = read(out)
    assert len(page.all("script")) == 4 + 1 and hostile in {row["label"] for row in classes(page)}
