"""Run ``dnn_saliency`` as a user does."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import saliency
from tests.cli.saliency_command import BASE, BUNDLED, DEMO, FIGURE, NAMES, run, table

needs_torch = pytest.mark.needs("torch")
REAL = Path(__file__).parents[3] / "shared" / "real"
ERRORS = BASE + "_errors.csv"


@pytest.fixture
def stim(tmp_path):
    """A stimulus file of seven scenes."""
    return table(tmp_path, NAMES)


@needs_torch
def test_each_figure_shows_six_stimuli(stim, tmp_path, capsys):
    status, printed, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "figures")
    assert (status, printed, errors) == (0, "Finish: 6/7\nFinish: 7/7\n", "")
    assert sorted(p.name for p in (tmp_path / "figures").iterdir()) == [FIGURE.format(1), FIGURE.format(2)]
    with Image.open(tmp_path / "figures" / FIGURE.format(1)) as figure:
        assert figure.size == (1000, 600)


@needs_torch
def test_the_figure_shows_the_masks_of_the_library(tmp_path, capsys, monkeypatch):
    drawn = []
    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", lambda figure, *rest: drawn.append(rest[:3]))
    for method, mode in (("guided", "RGB"), ("vanilla", "gray")):
        run(capsys, *BUNDLED, "-stim", table(tmp_path, ["scene_17.png"]), "-meth", method, "-mode", mode, "-overwrite",
            "-dnnbrain", "-out", tmp_path)  # fmt: skip
    network = saliency.nets.load("DemoNet")
    with Image.open(DEMO / "scenes" / "scene_17.png") as picture:
        x = network.prepare(picture)
        for (pictures, maps, scale), (mask, mode) in zip(
            drawn, [(saliency.GuidedBackprop, "RGB"), (saliency.Vanilla, "gray")], strict=True
        ):
            assert np.array_equal(np.asarray(pictures[0]), np.asarray(picture.convert("RGB")))
            assert list(maps) == ["chn4", "chn8"] and scale["cmap"] == "coolwarm"
            strength = np.abs(mask(network.model, 7).GetMask(x))  # channel 8 is the digit 7
            strength = strength.max(0) if mode == "gray" else strength.transpose(1, 2, 0)
            expected = 255 * (strength - strength.min()) / np.ptp(strength)
            assert np.abs(maps["chn8"][0].astype(float) - expected).max() <= 1


@needs_torch
def test_gray_mode_accepts_negative_limits_and_a_color_map(stim, tmp_path, capsys):
    status, _, errors = run(capsys, *BUNDLED, "-stim", stim, "-mode", "gray", "-cmap", "gray", "-vmin", "-1e-3", "-vmax", "1e2",
                            "-out", tmp_path)  # fmt: skip
    assert (status, errors) == (0, "")


@needs_torch
def test_double_dashes_work_and_unused_options_are_reported(stim, tmp_path, capsys):
    status, _, errors = run(capsys, "--net", "demonet", "--layer", "conv6", "--chn", "64", "--stim", stim, "--out", tmp_path,
                            "--cmap", "gray")  # fmt: skip
    assert status == 0
    assert "ignored without -mode gray: -cmap" in errors
    assert (tmp_path / "DemoNet_conv6_chn64_guided_RGB_fig1.jpg").exists()


@needs_torch
def test_a_broken_image_does_not_stop_the_run(tmp_path, capsys):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("scene_03.png", "scene_07.png"):
        (folder / name).write_bytes((DEMO / "scenes" / name).read_bytes())
    (folder / "=cut.png").write_bytes((folder / "scene_03.png").read_bytes()[:3000])
    names = ["scene_03.png", "=cut.png", "none.png", "../some.stim.csv", "scene_07.png"]
    status, printed, errors = run(capsys, *BUNDLED, "-stim", table(tmp_path, names, folder), "-out", tmp_path / "out")
    assert status == 1
    assert printed == "Finish: 5/5\n"
    assert "2 done, 3 failed, see" in errors and "Traceback" not in errors
    with (tmp_path / "out" / ERRORS).open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["stimID"], row["stage"], row["code"]) for row in rows] == [
        ("'=cut.png", "read", "TRUNCATED"), ("none.png", "read", "MISSING"), ("../some.stim.csv", "read", "OUTSIDE_PATH"),
    ]  # fmt: skip
    assert (tmp_path / "out" / FIGURE.format(1)).exists()


@needs_torch
def test_conversions_of_images_are_reported(tmp_path, capsys):
    with Image.open(DEMO / "scenes" / "scene_03.png") as scene:
        scene.convert("L").resize((40, 300)).save(tmp_path / "gray.png")
        scene.convert("RGBA").save(tmp_path / "alpha.png")
        scene.convert("CMYK").save(tmp_path / "cmyk.jpg")
    status, _, errors = run(capsys, *BUNDLED, "-stim", table(tmp_path, ["gray.png", "alpha.png", "cmyk.jpg"], tmp_path),
                            "-out", tmp_path / "out")  # fmt: skip
    assert status == 0
    for note in (
        "1 of 3 images: L converted to RGB",
        "1 of 3 images: transparent pixels blended with white",
        "1 of 3 images: CMYK converted",
    ):
        assert note in errors


@needs_torch
def test_existing_files_are_replaced_only_with_overwrite(stim, tmp_path, capsys):
    (tmp_path / FIGURE.format(2)).write_text("mine")
    status, _, errors = run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path)
    assert status == 2 and FIGURE.format(2) in errors and "-overwrite" in errors
    assert (tmp_path / FIGURE.format(2)).read_text() == "mine" and not (tmp_path / FIGURE.format(1)).exists()
    assert run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path, "-overwrite")[0] == 0
    assert (tmp_path / FIGURE.format(2)).read_bytes()[:2] == b"\xff\xd8"


@needs_torch
def test_an_interrupted_run_leaves_no_incomplete_figure(stim, tmp_path, capsys, monkeypatch):
    def stop(figure, *rest, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("matplotlib.backends.backend_agg.FigureCanvasAgg.draw", stop)
    assert run(capsys, *BUNDLED, "-stim", stim, "-out", tmp_path / "out")[0] == 130
    assert not (tmp_path / "out").exists()


@needs_torch
def test_a_nonfinite_gradient_does_not_stop_the_run(tmp_path, capsys, monkeypatch):
    original = saliency.nets.Network.prepare

    def prepare(network, picture):
        x = original(network, picture)
        return np.full_like(x, 3e38) if picture.size == (5, 5) else x

    monkeypatch.setattr("saliency.nets.network.Network.prepare", prepare)
    Image.new("RGB", (5, 5), "white").save(tmp_path / "bad.png")
    (tmp_path / "good.png").write_bytes((DEMO / "scenes" / "scene_03.png").read_bytes())
    status, _, errors = run(
        capsys, *BUNDLED, "-stim", table(tmp_path, ["bad.png", "good.png"], tmp_path), "-out", tmp_path / "out"
    )
    assert status == 1 and "bad.png: NONFINITE_GRAD" in errors and "1 done, 1 failed" in errors
    assert (tmp_path / "out" / FIGURE.format(1)).exists()


@needs_torch
def test_a_relative_path_is_resolved_from_the_working_directory_or_the_file(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(capsys, *BUNDLED[:-1], "-stim", DEMO / "scenes.stim.csv", "-out", "out")[0] == 0
    assert len(list(Path("out").iterdir())) == 6


def test_the_help_of_the_installed_command():
    command = Path(sys.executable).with_name("dnn_saliency")
    shown = subprocess.run([command, "-h"], capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "80"})
    assert max(map(len, shown.stdout.splitlines())) <= 80
    for option in ("net", "layer", "chn", "stim", "meth", "mode", "cmap", "vmin", "vmax", "show", "out", "weights"):
        assert f"-{option}" in shown.stdout


@pytest.mark.skipif(not REAL.exists(), reason="the real network is not here")
def test_the_map_of_the_bird_is_on_the_bird(tmp_path, capsys, monkeypatch):
    pytest.importorskip("torchvision")
    drawn = []
    original = saliency.cli.figure.SaliencyFigure.draw
    monkeypatch.setattr("saliency.cli.figure.SaliencyFigure.draw", lambda *rest: (drawn.append(rest[:4]), original(*rest)))
    status, printed, errors = run(
        capsys, "-net", "SqueezeNet1_0", "-weights", REAL / "squeezenet1_0.safetensors", "-layer", "classifier.1", "-chn", "21",
        "-stim", table(tmp_path, ["ouzel.jpg"], REAL / "images"), "-mode", "gray", "-dnnbrain", "-out", tmp_path)  # fmt: skip
    assert (status, printed, errors) == (0, "Finish: 1/1\n", "")
    assert (tmp_path / "SqueezeNet1_0_classifier.1_chn21_guided_gray_fig1.jpg").stat().st_size > 10_000
    (image,) = drawn[0][2]["chn21"]
    bird = np.zeros((224, 224), bool)
    bird[40:155, 50:160] = True  # the bird in the image of 500 x 348, resized to 224 x 224
    assert bird.flat[image.argmax()]
    assert image[bird].sum() > 3 * bird.mean() / (1 - bird.mean()) * image[~bird].sum()
