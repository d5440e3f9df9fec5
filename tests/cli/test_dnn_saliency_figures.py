"""The figures of ``dnn_saliency``: gaps, comments, color bars, color maps and sizes."""

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency import nets
from tests.cli.saliency_command import BUNDLED, FIGURE, NAMES, inputs, run, table

needs_torch = pytest.mark.needs("torch")


@needs_torch
def test_a_failed_image_leaves_a_gap_and_the_figure_has_a_comment(tmp_path, capsys, monkeypatch):
    drawn = []
    original = saliency.cli.figure.SaliencyFigure.draw
    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", lambda *rest: (drawn.append(rest[:4]), original(*rest)))
    names = [NAMES[0], "none.png", *NAMES[1:3]]
    assert run(capsys, *BUNDLED, "-stim", table(tmp_path, names), "-out", tmp_path / "out")[0] == 1
    _, pictures, maps, _ = drawn[0]
    assert [picture is None for picture in pictures] == [False, True, False, False]
    assert [image is None for image in maps["chn8"]] == [False, True, False, False]
    with Image.open(tmp_path / "out" / FIGURE.format(1)) as figure:
        assert b"-net DemoNet, -layer fc1, -chn [4, 8], -meth guided" in figure.info["comment"]


@needs_torch
def test_maps_in_units_have_a_color_bar(tmp_path, capsys, monkeypatch):
    drawn = []
    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.save", lambda sheet, *rest: drawn.append(sheet.figure))
    arguments = ["-mode", "gray", "-units", "-vmin", "-1e-3", "-vmax", "0.02"]
    assert run(capsys, *BUNDLED, "-stim", table(tmp_path, NAMES[:2]), "-out", tmp_path, *arguments)[0] == 0
    network = nets.load("DemoNet")
    expected = np.abs(saliency.GuidedBackprop(network.model, 3).GetMasks(inputs(network, NAMES[:2]))).max(axis=1)
    axes, *bars = drawn[0].axes
    assert len(axes.images) == 6 and len(bars) == 4
    for image, values in zip(axes.images[2:4], expected, strict=True):
        assert np.allclose(image.get_array(), values, rtol=0, atol=1e-5 * values.max())
        assert image.get_clim() == (-1e-3, 0.02)


@needs_torch
def test_a_map_without_colors_is_drawn_in_the_color_map_with_its_sign(tmp_path, capsys, monkeypatch):
    drawn = []
    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", lambda figure, *rest: drawn.append(rest[:3]))
    arguments = ["-meth", "occlusion", "-set", "size=24", "stride=24", "-cmap", "hot", "-dnnbrain"]
    status, _, errors = run(capsys, *BUNDLED, "-stim", table(tmp_path, NAMES[:1]), "-out", tmp_path, *arguments)
    assert (status, errors) == (0, "")
    _, maps, scale = drawn[0]
    network = nets.load("DemoNet")
    drops = saliency.Occlusion(network.model, 3, size=24, stride=24).GetMask(inputs(network, NAMES[:1])[0])[0]
    assert scale["cmap"] == "hot" and drops.min() < 0
    assert np.abs(maps["chn4"][0] - 255 * (drops - drops.min()) / np.ptp(drops)).max() <= 1


@needs_torch
def test_many_channels_share_a_figure_and_their_names_are_short(tmp_path, capsys):
    channels = [str(i) for i in range(1, 65)]
    arguments = ["-net", "DemoNet", "-layer", "conv6", "-chn", *channels, "-stim", table(tmp_path, NAMES[:1])]
    assert run(capsys, *arguments, "-out", tmp_path / "out")[0] == 0
    (figure,) = (tmp_path / "out").iterdir()
    assert figure.name.startswith("DemoNet_conv6_chn1-and-63-more-") and len(figure.name) < 80
    with Image.open(figure) as image:
        assert image.size == (1000, 6500)


def test_the_height_of_figures_is_limited_by_jpeg():
    pytest.importorskip("matplotlib")
    from saliency.cli.figure import SaliencyFigure

    assert SaliencyFigure(651, 1, show=False).figure.get_size_inches().tolist() == [10, 650]
