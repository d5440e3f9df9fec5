"""The metrics on the page of ``saliency report``, with ``-metric``."""

import json

import numpy as np
import pytest

import saliency
from saliency import nets
from saliency.cli.metric_names import chosen_metrics
from saliency.cli.report import run as report_run
from saliency.cli.report.row_builder import RowBuilder
from saliency.io.provenance import read_provenance
from saliency.metrics.explained import magnitude_maps
from tests.cli.report_page import read, run
from tests.cli.saliency_command import DEMO, inputs

pytest.importorskip("jinja2")
pytestmark = pytest.mark.needs("torch")
NAMES = ["scene_03.png", "scene_07.png", "scene_01.png"]
METRICS = ["-metric", "deletion", "sparseness", "-metric-set", "deletion.steps=4"]
QUICK = ["-net", "DemoNet", "-layer", "fc1", "-chn", "4", "8", "-meth", "vanilla", "gradcam"]


def table(folder, columns, rows):
    file = folder / "some.stim.csv"
    lines = [f"{name},{row}" for name, row in zip(NAMES, rows, strict=True)]
    file.write_text("\n".join(["type=image", f"path={DEMO / 'scenes'}", f"data=stimID,{columns}", *lines]), encoding="utf-8")
    return file


def metrics_of(page):
    """Return (rows, groups of columns, methods, metrics, [plain, smoothed]); NaN for none."""
    rows = page.all("div", class_="row", role="listitem")
    return np.array([json.loads(attributes["data-metrics"]) for _, attributes, _ in rows], float)


def test_each_map_has_the_values_of_the_library(tmp_path, capsys):
    out, stim = tmp_path / "page.html", table(tmp_path, "label", (3, 7, 1))
    assert run(capsys, *QUICK, "-smooth", "2", *METRICS, "-stim", stim, "-out", out)[0] == 0
    page, network = read(out), nets.load("DemoNet")
    found, x = metrics_of(page), inputs(network, NAMES)
    assert found.shape == (3, 2, 2, 2, 2) and np.isfinite(found).all()
    for place, method in enumerate((saliency.Vanilla(network), saliency.GradCAM(network))):
        for group, target in enumerate((3, 7)):
            maps = magnitude_maps(method, x, [target] * 3)
            for k, metric in enumerate(chosen_metrics(["deletion", "sparseness"], [("deletion", "steps", 4)])):
                result = metric.function(*((network, x, maps, [target] * 3) if k == 0 else (maps,)))
                np.testing.assert_allclose(found[:, group, place, k, 0], result.value, rtol=2e-3)
    options = [text for _, _, text in page.all("option") if "deletion" in text or "sparseness" in text]
    assert options[1] == "sparseness of vanilla for channel 4 (digit 3), high to low" and len(options) == 8
    assert read_provenance(out)["metrics"] == ["deletion", "sparseness"]
    text = out.read_text(encoding="utf-8")
    assert "<b>deletion</b> measures" in text and text.count("lower is better") == 1 and "--lines: 2" in text


def test_a_row_shows_the_values_above_the_map_of_each_column(tmp_path, capsys):
    out, stim = tmp_path / "page.html", table(tmp_path, "label", (3, 7, 1))
    modes = ["-mode", "signed", "strength"]
    assert run(capsys, *QUICK[:6], "-meth", "vanilla", *modes, *METRICS, "-stim", stim, "-out", out)[0] == 0
    page = read(out)
    shown = [text.strip() for _, attributes, text in page.all("b", class_="plain")]
    expected = metrics_of(page)[..., 0]  # each method has two columns
    np.testing.assert_allclose(np.array(shown, float).reshape(3, 2, 2), np.repeat(expected[:, 0], 2, axis=1), rtol=1e-6)


def test_objects_are_those_of_the_columns_and_one_that_is_invalid_fails_alone(tmp_path, capsys):
    out, stim = tmp_path / "page.html", table(tmp_path, "x0,y0,x1,y1", ("0,0,48,96", "0,0,97,4", "0,0,96,96"))
    arguments = [*QUICK, "-metric", "mass_accuracy", "-stim", stim, "-out", out]
    status, _, errors = run(capsys, *arguments)
    assert status == 1 and "scene_07.png: BOX:" in errors and "must satisfy 0 <= x0 <= x1 <= 96" in errors
    page, network = read(out), nets.load("DemoNet")
    rows = [json.loads(attributes["data-metrics"]) for _, attributes, _ in page.all("div", class_="row", role="listitem")]
    maps = magnitude_maps(saliency.Vanilla(network), inputs(network, NAMES[:1]), [3])
    assert rows[0][0][0][0][0] == pytest.approx(maps[0, :, :48].sum() / maps[0].sum(), rel=1e-3)
    assert rows[1] == [] and [row["maps"] == [] for row in page.pictures] == [False, True, False]
    assert [value for group in rows[2] for method in group for metric in method for value in metric] == [1.0] * 4


def test_an_interrupted_run_resumes_with_the_same_page(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(report_run, "ROWS_PER_BLOCK", 1)
    stim, built = table(tmp_path, "label", (3, 7, 1)), []
    assert run(capsys, *QUICK, *METRICS, "-stim", stim, "-out", tmp_path / "whole.html")[0] == 0
    original = RowBuilder.build

    def stop(builder, images):
        if len(built) == 2:
            raise KeyboardInterrupt
        built.append(images)
        return original(builder, images)

    monkeypatch.setattr(RowBuilder, "build", stop)
    assert run(capsys, *QUICK, *METRICS, "-stim", stim, "-out", tmp_path / "page.html")[0] == 130
    monkeypatch.setattr(RowBuilder, "build", original)
    status, _, errors = run(capsys, *QUICK, "-metric", "deletion", "-stim", stim, "-out", tmp_path / "page.html")
    assert status == 2 and "-metric (was ['deletion', 'sparseness'], is now ['deletion'])" in errors
    assert run(capsys, *QUICK, *METRICS, "-stim", stim, "-out", tmp_path / "page.html")[0] == 0
    assert (tmp_path / "page.html").read_bytes() == (tmp_path / "whole.html").read_bytes()


def test_a_map_that_cannot_be_measured_is_shown_with_the_reason(tmp_path, capsys, monkeypatch):
    from saliency.cli import map_metrics

    original = map_metrics.measure

    def fail(metrics, adapter, images, maps, seed):
        if any(np.array_equal(x, images.x[0]) for x in refused) or len(images.x) > 1:
            raise saliency.GradientError("the score is nan")
        return original(metrics, adapter, images, maps, seed)

    refused = inputs(nets.load("DemoNet"), NAMES[1:2])
    monkeypatch.setattr(map_metrics, "measure", fail)
    out, stim = tmp_path / "page.html", table(tmp_path, "label", (3, 7, 1))
    status, _, errors = run(capsys, *QUICK, *METRICS, "-stim", stim, "-out", out)
    assert status == 1 and "2 done, 1 failed" in errors and errors.count("METRIC: the score is nan") == 1
    found = metrics_of(read(out))
    assert np.isnan(found[1]).all() and np.isfinite(found[[0, 2]]).all() and len(read(out).pictures) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-metric", "road", "road"], "names a metric twice"),
        (["-metric", "pointing_game"], "need either a column mask"),
        (["-metric-set", "road.noise=3"], "is for a metric that is not in -metric"),
    ],
)
def test_errors(arguments, message, tmp_path, capsys):
    stim = table(tmp_path, "label", (3, 7, 1))
    status, _, errors = run(capsys, *QUICK, *arguments, "-stim", stim, "-out", tmp_path / "page.html")
    assert status == 2 and message in errors and [path.name for path in tmp_path.iterdir()] == ["some.stim.csv"]


def test_an_image_with_constant_maps_of_several_targets_is_counted_once(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(saliency.GradCAM, "weights", lambda _self, inputs: 0.0 * inputs.gradients)
    out, stim = tmp_path / "page.html", table(tmp_path, "label", (3, 7, 1))
    _, _, errors = run(capsys, *QUICK, *METRICS, "-stim", stim, "-out", out)
    assert [line for line in errors.splitlines() if "constant" in line] == [
        "saliency report: note: 3 of 3 images: gradcam: the map is constant, so metrics rank its positions at random"
    ]
