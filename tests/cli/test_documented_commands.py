"""Run the commands that DNNBrain's documentation prints, and compare its figures with ours."""

import functools
import shlex

import numpy as np
import pytest
from PIL import Image

from saliency import nets
from saliency.cli.dnn_saliency import main
from tests.cli.saliency_command import DEMO
from tests.dnnbrain import CLI, FIXTURES, needs_fixtures

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
SHOWN = "dnn_saliency -net AlexNet -layer fc3 -chn 294 23 -stim examples.stim.csv -show"
SAVED = "dnn_saliency -net AlexNet -layer fc3 -chn 294 23 -stim examples.stim.csv -mode gray -cmap gray -out ."
DRAWN = {
    "guided_gray_coolwarm": "-mode gray",
    "guided_gray_gray": "-mode gray -cmap gray",
    "guided_gray_vmin0_vmax128": "-mode gray -vmin 0 -vmax 128",
    "vanilla_RGB": "-meth vanilla",
}


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    """DNNBrain's data folder, with the AlexNet of its fixtures."""
    folder = tmp_path_factory.mktemp("dnnbrain_data")
    (folder / "models").mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(torchvision.models.alexnet().state_dict(), folder / "models" / "alexnet.pth")
    return folder


@pytest.fixture(scope="module")
def load_once():
    """A replacement of `nets.load` that loads each network once: AlexNet's checkpoint is large."""
    return functools.cache(nets.load)


@pytest.fixture
def folder(data_folder, load_once, tmp_path, monkeypatch):
    """The working directory of a command."""
    monkeypatch.setenv("DNNBRAIN_DATA", str(data_folder))
    monkeypatch.setattr("saliency.nets.load", load_once)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_documented_commands_run_as_printed(folder, capsys, monkeypatch):
    names = "\n".join(f"scene_{i:02d}.png" for i in range(7))
    (folder / "examples.stim.csv").write_text(f"type=image\npath={DEMO / 'scenes'}\ndata=stimID\n{names}")
    shown = []
    monkeypatch.setattr("saliency.cli.preflight.WINDOWLESS_BACKENDS", ())
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: shown.append(1))
    assert main(shlex.split(SHOWN)[1:]) == 0
    assert len(shown) == 2 and [path.name for path in folder.iterdir()] == ["examples.stim.csv"]
    assert main(shlex.split(SAVED)[1:]) == 0
    assert capsys.readouterr() == ("Finish: 6/7\nFinish: 7/7\n" * 2, "")
    figures = sorted(folder.glob("*.jpg"))
    assert [path.name for path in figures] == [f"AlexNet_fc3_chn294-23_guided_gray_gray_fig{k}.jpg" for k in (1, 2)]


@needs_fixtures
@pytest.mark.parametrize("name", DRAWN)
def test_figures_look_like_dnnbrain_s(name, folder):
    """DNNBrain's second image is not available, so only the first of two columns is compared."""
    (folder / "two.stim.csv").write_text(f"type=image\npath={FIXTURES / 'images'}\ndata=stimID\nsynthA.png\nsynthB.png")
    assert main(shlex.split(f"-net AlexNet -layer fc3 -chn 294 23 -stim two.stim.csv -dnnbrain -out . {DRAWN[name]}")) == 0
    (ours,), (theirs,) = folder.glob("*.jpg"), (CLI / name).glob("*_fig1.jpg")
    pixels = []
    for file in (ours, theirs):
        with Image.open(file) as figure:
            assert figure.size == (1000, 600)
            pixels.append(np.asarray(figure.convert("RGB"), np.float64)[:, :480])
    empty = [image.min(axis=2) > 250 for image in pixels]
    assert np.mean(empty[0] != empty[1]) < 0.01
    assert np.corrcoef(pixels[0].ravel(), pixels[1].ravel())[0, 1] > 0.98  # matplotlib's versions resample differently
