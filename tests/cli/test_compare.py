"""``saliency compare``: the values of ``saliency.metrics.compare``, objects of the stimulus file, errors and resuming."""

import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import saliency
from saliency import nets
from saliency.cli.compare import run as compare_run
from saliency.cli.compare.block_values import BlockValues
from saliency.cli.main import main
from saliency.cli.metric_names import METRICS, chosen_metrics
from saliency.demo.scenes import load_scenes
from saliency.io.provenance import read_provenance
from saliency.metrics import compare, registry
from tests.cli.saliency_command import DEMO, inputs

needs_torch = pytest.mark.needs("torch")
NAMES = [f"scene_{i:02d}.png" for i in (3, 7, 1)]
LABELS = [3, 7, 1]
QUICK = ["-net", "DemoNet", "-meth", "vanilla", "-metric", "deletion", "sparseness", "-metric-set", "deletion.steps=4"]
FILES = {"values.csv", "table.csv", "tests.csv", "control_tests.csv", "notes.txt", "comparison.png"}


def table(folder, columns, rows, source=DEMO / "scenes"):
    file = folder / "some.stim.csv"
    lines = [",".join(map(str, row)) for row in rows]
    file.write_text("\n".join(["type=image", f"path={source}", f"data={columns}", *lines]), encoding="utf-8")
    return file


def run(capsys, *arguments):
    status = main(["compare", *map(str, arguments)])
    return status, *capsys.readouterr()


@pytest.fixture
def labeled(tmp_path):
    return table(tmp_path, "stimID,label", zip(NAMES, LABELS, strict=True))


@needs_torch
def test_the_values_are_those_of_python(labeled, tmp_path, capsys):
    status, _, _ = run(capsys, *QUICK, "-stim", labeled, "-seed", "5", "-out", tmp_path / "out")
    assert status == 0 and {path.name for path in (tmp_path / "out").iterdir()} == FILES
    values = pd.read_csv(tmp_path / "out" / "values.csv")
    assert list(values["stimID"][:3]) == NAMES and list(values["target"][:3]) == ["digit 3", "digit 7", "digit 1"]
    network = nets.load("DemoNet")
    metrics = chosen_metrics(["deletion", "sparseness"], [("deletion", "steps", 4)])
    methods = {"vanilla": saliency.Vanilla(network)}
    expected = compare(network, inputs(network, NAMES), methods, [one.function for one in metrics], LABELS, seed=5)
    np.testing.assert_allclose(values["value"], expected.values["value"], rtol=1e-5)
    assert list(values["method"]) == list(expected.values["method"])
    rows = pd.read_csv(tmp_path / "out" / "table.csv").set_index(["metric", "method"])
    assert rows.loc[("deletion", "vanilla"), "mean"] == pytest.approx(expected.table.loc["vanilla", ("deletion", "mean")])
    assert rows.loc[("deletion", "edges"), "kind"] == "control"
    record = read_provenance(tmp_path / "out" / "comparison.png")
    assert record["metrics"] == ["deletion", "sparseness"] and record["seed"] == 5


@needs_torch
def test_a_run_that_is_interrupted_resumes(labeled, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(compare_run, "BLOCK", 1)
    assert run(capsys, *QUICK, "-stim", labeled, "-out", tmp_path / "whole")[0] == 0
    original, computed = BlockValues.compute, []

    def stop(block, stimuli):
        if len(computed) == 2:
            raise KeyboardInterrupt
        computed.append(stimuli)
        return original(block, stimuli)

    monkeypatch.setattr(BlockValues, "compute", stop)
    status, _, errors = run(capsys, *QUICK, "-stim", labeled, "-out", tmp_path / "out")
    assert status == 130 and "run the same command again to resume" in errors
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".comparison.journal"]
    status, _, errors = run(capsys, *QUICK, "-stim", labeled, "-out", tmp_path / "out", "-seed", "1")
    assert status == 2 and "-seed (was 0, is now 1)" in errors
    monkeypatch.setattr(BlockValues, "compute", original)
    status, printed, errors = run(capsys, *QUICK, "-stim", labeled, "-out", tmp_path / "out")
    assert (status, printed) == (0, "Finish: 3/3\n") and "resuming after 2 stimuli" in errors
    for name in FILES - {"comparison.png"}:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@needs_torch
def test_masks_and_boxes_of_one_object_give_the_same_values(tmp_path, capsys):
    scenes, found = {scene.name: scene for scene in load_scenes()}, {}
    rows, boxes = [], []
    for name, label in zip(NAMES, LABELS, strict=True):
        rows_of_object, columns = np.nonzero(scenes[name.removesuffix(".png")].mask(label))
        box = columns.min(), rows_of_object.min(), columns.max() + 1, rows_of_object.max() + 1
        full = np.zeros((96, 96), np.uint8)
        full[box[1] : box[3], box[0] : box[2]] = 7
        full[0, 0] = 1  # another object
        Image.fromarray(full).save(tmp_path / f"{name}_box.png")
        (tmp_path / name).write_bytes((DEMO / "scenes" / name).read_bytes())
        rows.append((name, label, f"{name}_box.png", 7))
        boxes.append((name, label, *box))
    arguments = ["-net", "DemoNet", "-meth", "vanilla", "-metric", "mass_accuracy", "rank_accuracy"]
    for kind, columns, lines in (("mask", "mask,mask_value", rows), ("box", "x0,y0,x1,y1", boxes)):
        file = table(tmp_path, f"stimID,label,{columns}", lines, tmp_path)
        assert run(capsys, *arguments, "-stim", file, "-out", tmp_path / kind)[0] == 0
        found[kind] = pd.read_csv(tmp_path / kind / "values.csv")["value"]
    assert found["mask"].equals(found["box"])
    assert found["mask"][:3].mean() > 0.3


@needs_torch
def test_an_object_that_cannot_be_read_fails_alone(tmp_path, capsys):
    file = table(
        tmp_path, "stimID,label,mask", [(NAMES[0], 3, "none.png"), (NAMES[1], 7, "scene_07_mask.png"), (NAMES[2], 1, "")]
    )
    arguments = ["-net", "DemoNet", "-meth", "vanilla", "-metric", "pointing_game", "-stim", file, "-out", tmp_path / "out"]
    status, _, errors = run(capsys, *arguments)
    assert status == 1 and "none.png: cannot be read: No such file" in errors
    values = pd.read_csv(tmp_path / "out" / "values.csv")
    assert values[values["number"] == 3]["value"].isna().all() and set(values["number"]) == {2, 3}
    assert "MASK" in (tmp_path / "out" / "errors.csv").read_text()
    file = table(tmp_path, "stimID,label,x0,y0,x1,y1", [(NAMES[0], 3, 0, 0, 97, 4)])
    status, _, errors = run(capsys, *arguments[:-1], tmp_path / "boxes")
    assert status == 1 and "its box (0, 0, 97, 4) must satisfy 0 <= x0 <= x1 <= 96" in errors
    assert [path.name for path in (tmp_path / "boxes").iterdir()] == ["errors.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-metric", "insertoin"], "invalid metric 'insertoin'.*did you mean insertion"),
        (["-metric", "road", "road"], "names a metric twice"),
        (["-metric-set", "steps=3"], "must be METRIC.NAME=VALUE"),
        (["-metric-set", "road.noise=3"], "is for a metric that is not in -metric"),
        (["-metric-set", "insertion.stepps=3"], "is not an option; its options: steps, baseline"),
        (["-metric", "pointing_game"], "need either a column mask"),
        (["-chn", "1", "2"], "must select one channel of output for each image"),
        (["-meth", "none"], "invalid method"),
    ],
)
@needs_torch
def test_errors(arguments, message, labeled, tmp_path, capsys):
    status, _, errors = run(capsys, "-net", "DemoNet", "-stim", labeled, "-out", tmp_path / "out", *arguments)
    assert status == 2 and re.search(message, errors) and not (tmp_path / "out").exists()


@needs_torch
def test_results_are_not_replaced_without_overwrite(labeled, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "table.csv").write_text("mine")
    status, _, errors = run(capsys, *QUICK, "-stim", labeled, "-out", tmp_path / "out")
    assert status == 2 and "table.csv already exists; use -overwrite" in errors
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["table.csv"]


def test_the_names_are_those_of_the_registry():
    assert list(METRICS) == list(registry.METRICS)
