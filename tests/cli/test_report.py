"""The contents of the page of ``saliency report``."""

import base64
import io
import json
import re
from itertools import chain

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency import nets
from saliency.cli.report.agreement import agreement
from saliency.core.adapter_request import Request
from saliency.core.display.color_scale import SIGNED_COLORS, STRENGTH_COLORS
from tests.cli.report_page import read, run
from tests.cli.saliency_command import BUNDLED, DEMO, table

pytest.importorskip("jinja2")
needs_torch = pytest.mark.needs("torch")
NAMES = ["scene_03.png", "scene_07.png", "scene_17.png"]
FRAMEWORKS = [pytest.param("torch", marks=needs_torch), pytest.param("tf", marks=pytest.mark.needs("tensorflow"))]


def pixels(text):
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        assert image.format == "WEBP"
        return np.asarray(image.convert("RGB"), float)


def prepared(network, name):
    with Image.open(DEMO / "scenes" / name) as picture:
        return network.prepare(picture)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_page_has_a_row_per_stimulus_and_a_column_per_channel_and_method(framework, tmp_path, capsys):
    out = tmp_path / "page.html"
    status, printed, errors = run(capsys, *BUNDLED, "-framework", framework, "-meth", "vanilla", "gradcam", "-smooth", "2",
                                  "-stim", table(tmp_path, NAMES), "-out", out)  # fmt: skip
    assert (status, printed, errors) == (0, "Finish: 3/3\n", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "some.stim.csv"]
    page = read(out)
    assert page.names == NAMES
    assert [element[1]["id"] for element in page.all("div", class_="row", role="listitem")] == [
        "stimulus1",
        "stimulus2",
        "stimulus3",
    ]
    assert [text.strip() for _, _, text in page.all("div", class_="method")] == ["vanilla", "gradcam"] * 2
    alts = [element[1]["alt"] for element in page.all("img", class_="map")]
    channels = ("channel 4 (digit 3)", "channel 8 (digit 7)")
    assert alts == [f"map of {method} for {channel}" for channel in channels for method in ("vanilla", "gradcam")]
    assert len(page.pictures) == 3
    for row in page.pictures:
        assert [len(map) for map in row["maps"]] == [2, 2, 2, 2]
        for text in (row["picture"], *chain(*row["maps"])):
            assert pixels(text).shape == (128, 128, 3)
    network = nets.load("DemoNet", framework=framework)
    adapter = saliency.wrap(network.model)
    logits = adapter.numpy(saliency.wrap(network.model).outputs(
        adapter.stack([prepared(network, name) for name in NAMES]), Request(saliency.core.target.Target(network.layer("fc1")))
    ))  # fmt: skip
    assert np.abs(np.array(page.numbers("scores")) - logits[:, [3, 7]]).max() < 2e-3 * np.abs(logits).max()


@needs_torch
def test_thumbnails_show_the_masks_of_the_library_in_its_colors(tmp_path, capsys):
    from matplotlib import colormaps

    out = tmp_path / "page.html"
    run(capsys, *BUNDLED, "-meth", "guided", "gradcam", "-size", "96", "-stim", table(tmp_path, NAMES[2:]), "-out", out)
    page, network = read(out), nets.load("DemoNet")
    x = prepared(network, NAMES[2])
    guided = np.asarray(saliency.GuidedBackprop(network.model, 7).GetMask(x))
    cam = np.asarray(saliency.GradCAM(network.model, 7).GetMask(x))
    expected = [
        colormaps[SIGNED_COLORS]((saliency.VisualizeImageDiverging(guided) + 1) / 2),
        colormaps[STRENGTH_COLORS](saliency.VisualizeImageGrayscale(cam)),
    ]
    for (text,), colors in zip(page.pictures[0]["maps"][2:], expected, strict=True):
        assert np.abs(pixels(text) - 255 * colors[..., :3]).mean() < 8  # WebP's own loss
    with Image.open(DEMO / "scenes" / NAMES[2]) as picture:
        assert np.abs(pixels(page.pictures[0]["picture"]) - np.asarray(picture.convert("RGB"), float)).mean() < 8
    assert page.numbers("agreement")[0][1] == [pytest.approx(agreement([guided, cam]), abs=1e-3)]


@needs_torch
def test_mode_strength_draws_no_sign(tmp_path, capsys):
    out = tmp_path / "page.html"
    run(capsys, *BUNDLED, "-mode", "strength", "-stim", table(tmp_path, NAMES), "-out", out)
    page = read(out)
    assert not page.all("span", class_="scale signed") and len(page.all("span", class_="scale strength")) == 3
    assert page.numbers("agreement") == [[[None], [None]]] * 3
    assert not [option for option in page.all("option") if "agreement" in option[1]["value"]]  # there is one method


def test_agreement_is_the_mean_rank_correlation():
    ramp = np.arange(20.0).reshape(4, 5)
    assert agreement([ramp, np.exp(ramp)]) == pytest.approx(1)
    assert agreement([ramp, -ramp]) == pytest.approx(1)  # only the magnitude matters
    assert agreement([ramp, ramp.max() - ramp]) == pytest.approx(-1)
    assert agreement([ramp, ramp, ramp.max() - ramp]) == pytest.approx(-1 / 3)
    assert agreement([np.stack([ramp, ramp, -ramp]), ramp]) == pytest.approx(1)
    assert np.isnan(agreement([ramp])) and np.isnan(agreement([ramp, np.zeros((4, 5))]))
    assert np.isnan(agreement([ramp, np.full((4, 5), np.nan)]))
    ties = agreement([np.array([[1.0, 1, 2, 3]]), np.array([[1.0, 2, 3, 4]])])
    assert ties == pytest.approx(np.corrcoef([1.5, 1.5, 3, 4], [1, 2, 3, 4])[0, 1])


@needs_torch
def test_the_page_loads_nothing_else(tmp_path, capsys):
    out = tmp_path / "page.html"
    run(capsys, *BUNDLED, "-stim", table(tmp_path, NAMES), "-out", out)
    text = out.read_text(encoding="utf-8")
    assert not re.search(r"https?:|url\(|@import|//[a-z]+\.", re.sub(r"^ *//.*$", "", text, flags=re.MULTILINE))
    page = read(out)
    assert not page.all("link") and not any("src" in element[1] or "href" in element[1] for element in page.elements)
    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy[1]["content"].startswith("default-src 'none'; img-src data:; ")
    assert "unsafe" not in policy[1]["content"]
    assert str(tmp_path) not in text


@needs_torch
def test_names_are_escaped(tmp_path, capsys):
    names = ["<script>alert(1)</script>.png", "'\"><img src=x onerror=alert(1)>.png", "</li></ol>&amp;.png", "{{ 7 * 7 }}.png"]
    folder = tmp_path / "pictures"
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((DEMO / "scenes" / NAMES[0]).read_bytes())
    missing = "<script>none.png"
    out = tmp_path / "page.html"
    listed = [f'"{name.replace(chr(34), 2 * chr(34))}"' for name in [*names, missing]]
    status, *_ = run(capsys, *BUNDLED, "-stim", table(tmp_path, listed, folder), "-out", out)
    page = read(out)
    assert status == 1 and page.names == [*names, missing]
    assert len(page.all("script")) == len(names) + 1  # their pictures, and the page's own
    assert len(page.all("div", class_="row", role="listitem")) == 5 and not any(
        "onerror" in element[1] for element in page.elements
    )


@needs_torch
def test_the_row_of_a_broken_image_shows_the_reason(tmp_path, capsys, monkeypatch):
    original = nets.Network.prepare

    def prepare(network, picture):
        x = original(network, picture)
        return np.full_like(x, 3e38) if picture.size == (5, 5) else x

    monkeypatch.setattr("saliency.nets.network.Network.prepare", prepare)
    Image.new("RGB", (5, 5), "white").save(tmp_path / "steep.png")
    (tmp_path / "good.png").write_bytes((DEMO / "scenes" / NAMES[0]).read_bytes())
    (tmp_path / "cut.png").write_bytes((DEMO / "scenes" / NAMES[0]).read_bytes()[:3000])
    out = tmp_path / "page.html"
    stim = table(tmp_path, ["cut.png", "good.png", "none.png", "steep.png"], tmp_path)
    status, _, errors = run(capsys, *BUNDLED, "-meth", "vanilla", "gradcam", "-stim", stim, "-out", out)
    assert status == 1 and "1 done, 3 failed" in errors
    page = read(out)
    texts = [text for _, _, text in page.all("p", class_="failure")][-3:]
    assert [text.partition(":")[0] for text in texts] == ["TRUNCATED", "MISSING", "NONFINITE_GRAD"]
    assert not any(str(tmp_path) in text for text in texts)
    assert page.all("b", class_="failure")[0][2] == "3 failed"
    assert page.numbers("scores")[0] == page.numbers("scores")[2] == []
    assert [len(row["maps"]) for row in page.pictures] == [4, 4]
    assert None not in list(chain(*page.pictures[0]["maps"])) and page.pictures[1]["maps"][0] == [None]


@needs_torch
def test_thumbnails_keep_the_aspect_ratio_and_are_small(tmp_path, capsys):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (600, 900, 3), np.uint8)).save(tmp_path / "wide.png")
    Image.fromarray(rng.integers(0, 256, (400, 3, 3), np.uint8)).save(tmp_path / "thin.png")
    out = tmp_path / "page.html"
    run(capsys, *BUNDLED, "-size", "64", "-stim", table(tmp_path, ["wide.png", "thin.png"], tmp_path), "-out", out)
    wide, thin = read(out).pictures
    for row, shape in ((wide, (43, 64, 3)), (thin, (64, 1, 3))):
        assert {pixels(text).shape for text in (row["picture"], *chain(*row["maps"]))} == {shape}
    run(capsys, *BUNDLED, "-stim", table(tmp_path, NAMES), "-out", out, "-overwrite")
    for row in read(out).pictures:
        assert len(json.dumps(row)) < 25_000  # a picture and two maps


def test_the_command_saliency_runs_subcommands(capsys):
    from saliency.cli.main import main

    assert main([]) == main(["-h"]) == 0 and "report" in capsys.readouterr().out
    assert (
        main(["reprot"]) == 2 and capsys.readouterr().err == "saliency: error: unknown command reprot; did you mean report?\n"
    )
