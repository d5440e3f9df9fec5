"""The command, as its users run it."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency.cli.dnn_saliency import main
from tests.cli.saliency_command import BASE, DEMO, EMBEDDED, FIGURE, run, table

needs_torch = pytest.mark.needs("torch")
REAL = Path(__file__).parents[3] / "shared" / "real"
ERRORS = BASE + "_errors.csv"


@pytest.fixture
def stim(tmp_path):
    """Seven pictures and their stimulus file."""
    return table(tmp_path, [f"scene_{i:02d}.png" for i in (3, 7, 17, 21, 0, 1, 2)])


@needs_torch
def test_figures_of_six_stimuli_with_a_row_a_channel(stim, tmp_path, capsys):
    status, printed, errors = run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "figures")
    assert (status, printed, errors) == (0, "Finish: 6/7\nFinish: 7/7\n", "")
    assert sorted(p.name for p in (tmp_path / "figures").iterdir()) == [FIGURE.format(1), FIGURE.format(2)]
    with Image.open(tmp_path / "figures" / FIGURE.format(1)) as figure:
        assert figure.size == (1000, 600)


@needs_torch
def test_the_figure_holds_the_masks_that_the_library_computes(tmp_path, capsys, monkeypatch):
    drawn = []
    monkeypatch.setattr("saliency.cli.figure.Sheet.fill", lambda figure, *rest: drawn.append(rest))
    for method, mode in (("guided", "RGB"), ("vanilla", "gray")):
        run(capsys, *EMBEDDED, "-stim", table(tmp_path, ["scene_17.png"]), "-meth", method, "-mode", mode, "-overwrite",
            "-out", tmp_path)  # fmt: skip
    network = saliency.nets.load("DemoNet")
    with Image.open(DEMO / "scenes" / "scene_17.png") as picture:
        x = network.prepare(picture)
        for (pictures, maps, scale), (mask, mode) in zip(
            drawn, [(saliency.GuidedBackprop, "RGB"), (saliency.Vanilla, "gray")], strict=True
        ):
            assert np.array_equal(np.asarray(pictures[0]), np.asarray(picture.convert("RGB")))
            assert list(maps) == ["chn4", "chn8"] and scale["cmap"] == "coolwarm"
            strength = np.abs(mask(network.model, 7).GetMask(x))  # channel 8 answers for the digit 7
            strength = strength.max(0) if mode == "gray" else strength.transpose(1, 2, 0)
            expected = 255 * (strength - strength.min()) / np.ptp(strength)
            assert np.abs(maps["chn8"][0].astype(float) - expected).max() <= 1


@needs_torch
def test_gray_mode_takes_negative_limits_and_a_colour_map(stim, tmp_path, capsys):
    status, _, errors = run(capsys, *EMBEDDED, "-stim", stim, "-mode", "gray", "-cmap", "gray", "-vmin", "-1e-3", "-vmax", "1e2",
                            "-out", tmp_path)  # fmt: skip
    assert (status, errors) == (0, "")


@needs_torch
def test_double_dashes_work_and_unused_options_are_told(stim, tmp_path, capsys):
    status, _, errors = run(capsys, "--net", "demonet", "--layer", "conv6", "--chn", "64", "--stim", stim, "--out", tmp_path,
                            "--cmap", "gray")  # fmt: skip
    assert status == 0
    assert "not used, as they are for -mode gray: -cmap" in errors
    assert (tmp_path / "DemoNet_conv6_chn64_guided_RGB_fig1.jpg").exists()


@needs_torch
def test_a_broken_picture_does_not_stop_the_run(tmp_path, capsys):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("scene_03.png", "scene_07.png"):
        (folder / name).write_bytes((DEMO / "scenes" / name).read_bytes())
    (folder / "=cut.png").write_bytes((folder / "scene_03.png").read_bytes()[:3000])
    names = ["scene_03.png", "=cut.png", "none.png", "../some.stim.csv", "scene_07.png"]
    status, printed, errors = run(capsys, *EMBEDDED, "-stim", table(tmp_path, names, folder), "-out", tmp_path / "out")
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
def test_pictures_of_other_kinds_are_converted_and_told(tmp_path, capsys):
    with Image.open(DEMO / "scenes" / "scene_03.png") as scene:
        scene.convert("L").resize((40, 300)).save(tmp_path / "grey.png")
        scene.convert("RGBA").save(tmp_path / "alpha.png")
        scene.convert("CMYK").save(tmp_path / "cmyk.jpg")
    status, _, errors = run(capsys, *EMBEDDED, "-stim", table(tmp_path, ["grey.png", "alpha.png", "cmyk.jpg"], tmp_path),
                            "-out", tmp_path / "out")  # fmt: skip
    assert status == 0
    for note in ("1 of 3: L converted to RGB", "1 of 3: transparent pixels blended with white", "1 of 3: CMYK converted"):
        assert note in errors


@needs_torch
def test_what_exists_is_kept_unless_overwriting(stim, tmp_path, capsys):
    (tmp_path / FIGURE.format(2)).write_text("mine")
    status, _, errors = run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path)
    assert status == 2 and FIGURE.format(2) in errors and "-overwrite" in errors
    assert (tmp_path / FIGURE.format(2)).read_text() == "mine" and not (tmp_path / FIGURE.format(1)).exists()
    assert run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path, "-overwrite")[0] == 0
    assert (tmp_path / FIGURE.format(2)).read_bytes()[:2] == b"\xff\xd8"


@needs_torch
def test_an_interrupted_run_leaves_no_half_figure(stim, tmp_path, capsys, monkeypatch):
    def stop(figure, *rest, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("matplotlib.backends.backend_agg.FigureCanvasAgg.draw", stop)
    assert run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "out")[0] == 130
    assert not (tmp_path / "out").exists()


@needs_torch
def test_a_picture_without_a_finite_gradient_does_not_stop_the_others(tmp_path, capsys, monkeypatch):
    original = saliency.nets.Network.prepare

    def prepare(network, picture):
        x = original(network, picture)
        return np.full_like(x, 3e38) if picture.size == (5, 5) else x

    monkeypatch.setattr("saliency.nets.network.Network.prepare", prepare)
    Image.new("RGB", (5, 5), "white").save(tmp_path / "bad.png")
    (tmp_path / "good.png").write_bytes((DEMO / "scenes" / "scene_03.png").read_bytes())
    status, _, errors = run(
        capsys, *EMBEDDED, "-stim", table(tmp_path, ["bad.png", "good.png"], tmp_path), "-out", tmp_path / "out"
    )
    assert status == 1 and "bad.png: NONFINITE_GRAD" in errors and "1 done, 1 failed" in errors
    assert (tmp_path / "out" / FIGURE.format(1)).exists()


REFUSALS = {
    "nothing to do": ([*EMBEDDED, "-stim", "STIM"], "-out DIR"),
    "no display": ([*EMBEDDED, "-stim", "STIM", "-show"], "-show needs a display"),
    "channel 0": (["-net", "DemoNet", "-layer", "fc1", "-chn", "0", "-stim", "STIM", "-out", "OUT"], "count from 1"),
    "channel 11": (["-net", "DemoNet", "-layer", "fc1", "-chn", "11", "-stim", "STIM", "-out", "OUT"], "run from 1 to 10"),
    "channel x": (["-net", "DemoNet", "-layer", "fc1", "-chn", "x", "-stim", "STIM", "-out", "OUT"], "count from 1"),
    "channel twice": (["-net", "DemoNet", "-layer", "fc1", "-chn", "2", "2", "-stim", "STIM", "-out", "OUT"], "twice"),
    "layer": (["-net", "DemoNet", "-layer", "fc2", "-chn", "1", "-stim", "STIM", "-out", "OUT"], "nearest: fc1"),
    "net": (["-net", "DemoNett", "-layer", "fc1", "-chn", "1", "-stim", "STIM", "-out", "OUT"], "nearest: DemoNet"),
    "no ReLU on the way": (["-net", "DemoNet", "-layer", "conv1", "-chn", "1", "-stim", "STIM", "-out", "OUT"], "use -meth vanilla"),
    "method": ([*EMBEDDED, "-stim", "STIM", "-out", "OUT", "-meth", "gradcm"], "invalid choice"),
    "abbreviation": ([*EMBEDDED, "-stim", "STIM", "-o", "OUT"], "-o is no option; did you mean -out?"),
    "misspelt": ([*EMBEDDED, "-stim", "STIM", "-out", "OUT", "-hello"], "-hello is no option"),
    "missing option": (["-net", "DemoNet", "-out", "OUT"], "required: -layer, -chn, -stim"),
    "vmin nan": ([*EMBEDDED, "-stim", "STIM", "-out", "OUT", "-mode", "gray", "-vmin", "nan"], "finite number"),
    "vmin -inf": ([*EMBEDDED, "-stim", "STIM", "-out", "OUT", "-mode", "gray", "-vmin", "-inf"], "finite number"),
    "vmin over vmax": ([*EMBEDDED, "-stim", "STIM", "-out", "OUT", "-mode", "gray", "-vmin", "2", "-vmax", "1"], "less than"),
    "cmap": ([*EMBEDDED, "-stim", "STIM", "-out", "OUT", "-mode", "gray", "-cmap", "coolwram"], "nearest: coolwarm"),
    "stim's name": ([*EMBEDDED, "-stim", "stim.csv", "-out", "OUT"], ".stim.csv"),
    "no stim": ([*EMBEDDED, "-stim", "none.stim.csv", "-out", "OUT"], "-stim (none.stim.csv) cannot be read"),
    "out too long": ([*EMBEDDED, "-stim", "STIM", "-out", "OUT/" + "x" * 300], "must be a folder that can be written"),
    "no weights": ([*EMBEDDED, "-stim", "STIM", "-out", "OUT", "-weights", ""], "-weights () must be a file"),
    "out is a file": ([*EMBEDDED, "-stim", "STIM", "-out", "STIM"], "must be a folder"),
    "weights": ([*EMBEDDED, "-stim", "STIM", "-out", "OUT", "-weights", "none.pth"], "-weights (none.pth) must be a file"),
}  # fmt: skip


WITH_THE_NETWORK = {"channel 11", "layer", "no ReLU on the way", "out too long", "no weights", "weights"}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=needs_torch if case in WITH_THE_NETWORK else ()) for case in REFUSALS]
)
def test_refusals_say_why_in_one_line_and_write_nothing(case, stim, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, message = REFUSALS[case]
    status, printed, errors = run(capsys, *[word.replace("STIM", stim).replace("OUT", "out") for word in arguments])
    assert status == 2
    assert message in errors and "Traceback" not in errors and printed == ""
    assert len(errors.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["some.stim.csv"]


def test_torch_that_is_not_installed_is_told_with_its_cure(stim, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    status, printed, errors = run(capsys, *EMBEDDED, "-stim", stim, "-out", tmp_path / "out")
    assert (status, printed) == (2, "") and "pip install 'saliency-masks[torch]'" in errors and "Traceback" not in errors
    assert not (tmp_path / "out").exists()


def test_other_stimuli_and_folders_without_pictures_are_refused(tmp_path, capsys):
    video = tmp_path / "v.stim.csv"
    video.write_text("type=video\npath=a.mp4\ndata=stimID\n1")
    status, _, errors = run(capsys, *EMBEDDED, "-stim", video, "-out", tmp_path / "out")
    assert status == 2 and "type video are not supported" in errors
    status, _, errors = run(capsys, *EMBEDDED, "-stim", table(tmp_path, ["a.png"], "nowhere"), "-out", tmp_path / "out")
    assert status == 2 and "none of its 1 pictures is in" in errors and "nowhere" in errors
    assert not (tmp_path / "out").exists()


@needs_torch
def test_a_relative_path_counts_from_the_working_folder_or_the_file(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(capsys, *EMBEDDED[:-1], "-stim", DEMO / "scenes.stim.csv", "-out", "out")[0] == 0
    assert len(list(Path("out").iterdir())) == 6


@needs_torch
def test_debug_shows_the_whole_error(stim):
    with pytest.raises(ValueError, match="no layer"):
        main(["-net", "DemoNet", "-layer", "fc2", "-chn", "1", "-stim", stim, "-out", "out", "-debug"])


@needs_torch
def test_the_installed_command_and_its_help(tmp_path):
    command = Path(sys.executable).with_name("dnn_saliency")
    shown = subprocess.run([command, "-h"], capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "80"})
    assert max(map(len, shown.stdout.splitlines())) <= 80
    for option in ("net", "layer", "chn", "stim", "meth", "mode", "cmap", "vmin", "vmax", "show", "out", "weights"):
        assert f"-{option}" in shown.stdout
    example = shown.stdout.partition("  dnn_saliency ")[2].partition("(channels")[0].replace("\\\n", " ").split()
    example = [word.replace("saliency/demo", str(DEMO)).replace("figures", str(tmp_path)) for word in example]
    assert subprocess.run([command, *example], capture_output=True, check=False).returncode == 0
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.skipif(not REAL.exists(), reason="the real network is not here")
def test_the_bird_lights_up(tmp_path, capsys, monkeypatch):
    pytest.importorskip("torchvision")
    drawn = []
    original = saliency.cli.figure.Sheet.fill
    monkeypatch.setattr("saliency.cli.figure.Sheet.fill", lambda *rest: (drawn.append(rest), original(*rest)))
    status, printed, errors = run(
        capsys, "-net", "SqueezeNet1_0", "-weights", REAL / "squeezenet1_0.safetensors", "-layer", "classifier.1", "-chn", "21",
        "-stim", table(tmp_path, ["ouzel.jpg"], REAL / "images"), "-mode", "gray", "-out", tmp_path)  # fmt: skip
    assert (status, printed, errors) == (0, "Finish: 1/1\n", "")
    assert (tmp_path / "SqueezeNet1_0_classifier.1_chn21_guided_gray_fig1.jpg").stat().st_size > 10_000
    (image,) = drawn[0][2]["chn21"]
    bird = np.zeros((224, 224), bool)
    bird[40:155, 50:160] = True  # where the bird stands in the picture of 500 x 348, squashed to 224 x 224
    assert bird.flat[image.argmax()]
    assert image[bird].sum() > 3 * bird.mean() / (1 - bird.mean()) * image[~bird].sum()
