"""The command, as its users run it."""

import csv
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

import saliency.demo
from saliency.cli import dnn_act, dnn_mask
from saliency.cli.activation_files import ActFiles
from tests import dnnbrain
from tests.cli.forked_commands import processes
from tests.dnnbrain import FIXTURES, FORMATS, needs_fixtures

DEMO = Path(saliency.demo.__file__).parent
ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "fixtures" / "dnnbrain_tinynet"
SCENES = [f"scene_{i:02d}.png" for i in (3, 7, 17, 21, 0, 1, 2)]
needs_torch, needs_tf = pytest.mark.needs("torch"), pytest.mark.needs("tensorflow")
ENV = {**os.environ, "COLUMNS": "80", "PYTHONPATH": str(ROOT)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a stimulus file of seven scenes, and a mask, in which the commands run."""
    table("seven", SCENES, folder=tmp_path)
    (tmp_path / "test.dmask.csv").write_text("conv6=chn,row,col\n64,1,1\n4,5\n6,7,8\nfc1=chn\n3,2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(name, stimuli, path=DEMO / "scenes", folder=Path()):
    (folder / f"{name}.stim.csv").write_text(f"type=image\npath={path}\ndata=stimID\n" + "\n".join(stimuli))


def run(capsys, command, net="DemoNet"):
    status = dnn_act.main(shlex.split(f"-net {net} {command}"))
    return status, *capsys.readouterr()


def arrays(file):
    with h5py.File(file) as h5:
        return {name: dataset[:] for name, dataset in h5.items()}


def assert_same(ours, theirs):
    assert list(ours) == list(theirs)
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array)


def inputs(framework="torch"):
    network = saliency.nets.load("DemoNet", framework=framework)
    return network, np.stack([network.prepare(Image.open(DEMO / "scenes" / name)) for name in SCENES])


@needs_torch
def test_layers_of_all_stimuli_in_dnnbrain_s_layout(folder, capsys):
    import torch

    assert run(capsys, "-layer conv6 fc1 -stim seven.stim.csv -batch 3 -out x.act.h5") == (
        0, "Finish: 3/7\nFinish: 6/7\nFinish: 7/7\n", "",
    )  # fmt: skip
    network, x = inputs()
    expected = {}
    with torch.inference_mode():
        for name in ("conv6", "fc1"):
            hook = getattr(network.model, name).register_forward_hook(lambda _m, _x, y, name=name: expected.update({name: y}))
            network.model(torch.from_numpy(x))
            hook.remove()
    expected = {"conv6": expected["conv6"].numpy(), "fc1": expected["fc1"].numpy()[:, :, None, None]}
    found = arrays("x.act.h5")
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=1e-5 * np.abs(array).max())
    theirs = dnnbrain.write(folder / "theirs.act.h5", expected)
    assert dnnbrain.structure(folder / "x.act.h5") == dnnbrain.structure(theirs)
    assert sorted(path.name for path in folder.iterdir()) == [
        "seven.stim.csv", "test.dmask.csv", "theirs.act.h5", "x.act.h5",
    ]  # fmt: skip


@needs_tf
def test_a_keras_network(folder, capsys):
    import keras

    assert run(capsys, "-framework tf -layer conv6 fc1 -chn 64 2 -stim seven.stim.csv -out x.act.h5")[::2] == (0, "")
    network, x = inputs("tf")
    layers = [network.model.get_layer(name).output for name in ("conv6", "fc1")]
    conv6, fc1 = (np.asarray(found) for found in keras.Model(network.model.input, layers)(x))
    found = arrays("x.act.h5")
    assert {name: array.dtype for name, array in found.items()} == {"conv6": np.float32, "fc1": np.float32}
    np.testing.assert_allclose(found["conv6"], conv6[:, None, :, :, 63], atol=1e-4)
    np.testing.assert_allclose(found["fc1"], fc1[:, 1, None, None, None], atol=1e-4)


MASKED = (
    "-layer conv6 -chn 1 2 3",
    "-layer conv6 fc1 -chn 2 9",
    "-layer fc1 -chn 10 1 10",
    "-layer fc1 conv6",
    "-dmask test.dmask.csv",
    "--layer=fc1 --chn 10",
)


@needs_torch
def test_the_units_are_those_that_dnn_mask_takes_out_of_the_whole(folder, capsys):
    run(capsys, "-layer conv6 fc1 -stim seven.stim.csv -out whole.act.h5")
    for options in MASKED:
        assert run(capsys, f"{options} -stim seven.stim.csv -out x.act.h5 -overwrite")[0] == 0
        assert dnn_mask.main(shlex.split(f"-act whole.act.h5 {options} -out masked.act.h5")) == 0
        assert_same(arrays("x.act.h5"), arrays("masked.act.h5"))
        assert dnnbrain.structure(folder / "x.act.h5") == dnnbrain.structure(folder / "masked.act.h5")
        (folder / "x.act.h5").unlink()


POOLED = {
    "max": lambda maps: maps.max(-1),
    "mean": lambda maps: maps.mean(-1),
    "median": lambda maps: np.median(maps, -1),
    "L1": lambda maps: np.linalg.norm(maps, 1, -1),
    "L2": lambda maps: np.linalg.norm(maps, 2, -1),
}


@needs_torch
def test_pooling_comes_after_the_mask(folder, capsys):
    run(capsys, "-dmask test.dmask.csv -stim seven.stim.csv -out all.act.h5")
    for pool, function in POOLED.items():
        assert run(capsys, f"-dmask test.dmask.csv -stim seven.stim.csv -pool {pool} -out {pool}.act.h5")[0] == 0
        for name, maps in arrays("all.act.h5").items():
            found = arrays(f"{pool}.act.h5")[name]
            assert found.shape == (7, {"conv6": 3, "fc1": 2}[name], 1, 1) and found.dtype == np.float32
            np.testing.assert_allclose(found[:, :, 0, 0], function(maps.reshape(*maps.shape[:2], -1)), rtol=1e-5)


NETWORK = """
import numpy as np, torch
from PIL import Image


class Tiny:
    def __init__(self):
        relu, pool, conv, linear = (getattr(torch.nn, name) for name in ("ReLU", "MaxPool2d", "Conv2d", "Linear"))
        self.model = torch.nn.Sequential()
        self.model.features = torch.nn.Sequential(
            conv(3, 4, 3, padding=1), relu(True), pool(2), conv(4, 6, 3, padding=1), relu(True), pool(2))
        self.model.between = torch.nn.Flatten()
        self.model.classifier = torch.nn.Sequential(linear(96, 10), relu(True), linear(10, 5))
        names = ("conv1", "conv1_relu", "conv1_maxpool", "conv2", "conv2_relu", "conv2_maxpool")
        self.layer2loc = {name: ("features", str(i)) for i, name in enumerate(names)}
        self.layer2loc |= {name: ("classifier", str(i)) for i, name in enumerate(("fc1", "fc1_relu", "fc2"))}
        self.img_size = (16, 16)
        weights = np.load(WEIGHTS)
        self.model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})

    def test_transform(self, picture):
        pixels = np.asarray(picture.resize((16, 16), Image.Resampling.BILINEAR), np.float32) / 255
        mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
        return ((pixels - mean) / std).transpose(2, 0, 1)


class Times(torch.nn.Module):
    def forward(self, x):
        return x * 1e30


class Loud:
    model, img_size = torch.nn.Sequential(Times(), torch.nn.Identity()), (16, 16)
    layer2loc = {"times": ("0",), "same": ("1",)}

    def test_transform(self, picture):
        return np.full((3, 16, 16), 1e10 if picture.size == (5, 5) else 1, np.float32)


class Ragged(Loud):
    def test_transform(self, picture):
        return np.zeros((3, *picture.size), np.float32)


class Tokens(torch.nn.Module):
    def forward(self, x):
        return self.tokens(x.flatten(2))

    def __init__(self):
        super().__init__()
        self.tokens = torch.nn.Identity()
"""


@pytest.fixture
def tiny(folder):
    (folder / "tiny.py").write_text(f"WEIGHTS = {str(TINY / 'tiny_net_weights.npz')!r}\n{NETWORK}")
    table("tiny", ["tiny.png"], TINY)
    return "tiny.py:{}"


@needs_torch
def test_no_layer_means_all_that_the_network_names(tiny, capsys):
    assert run(capsys, "-stim tiny.stim.csv -out x.act.h5", tiny.format("Tiny"))[::2] == (0, "")
    found = arrays("x.act.h5")
    assert len(found) == 9 and found["conv1_relu"].shape == (1, 4, 16, 16)
    np.testing.assert_array_equal(found["conv1_relu"], found["conv1"].clip(0))  # and not what the ReLU made of it in place
    if FIXTURES.exists():
        theirs = FIXTURES / "tinynet" / "tiny_all.act.h5"
        assert dnnbrain.structure(Path("x.act.h5")) == dnnbrain.structure(theirs)
        for name, array in arrays(theirs).items():
            np.testing.assert_allclose(found[name], array, atol=1e-5)


@needs_fixtures
@needs_torch
def test_dnnbrain_s_activation_of_alexnet_comes_out(folder, capsys):
    pytest.importorskip("torchvision")
    import torch
    from torchvision.models import alexnet

    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        torch.save(alexnet().state_dict(), folder / "alexnet.pth")
    with Image.open(FIXTURES / "images" / "synthC.png") as picture:  # Pillow 13 makes of it the rows first, 10 the columns
        picture.resize((224, 320), Image.Resampling.BILINEAR).resize((224, 224), Image.Resampling.BILINEAR).save("synthC.png")
    for name in ("synthA.png", "synthB.png"):
        (folder / name).write_bytes((FIXTURES / "images" / name).read_bytes())
    table("images", ["synthA.png", "synthB.png", "synthC.png"], folder)  # the fourth of them is not here
    mask = "conv5=chn\n1,2,3,4,5,6,7,8\nfc3=chn\n1,2,3,4,5,6,7,8,9,10\nconv1_maxpool=chn,row,col\n5,7\n1,3,5,7,9\n2,4,6\n"
    (folder / "mask.dmask.csv").write_text(mask)
    command = "-weights alexnet.pth -dmask mask.dmask.csv -stim images.stim.csv -out x.act.h5"
    assert run(capsys, command, "AlexNet")[::2] == (0, "")
    found, theirs = arrays("x.act.h5"), arrays(FORMATS / "test.act.h5")
    assert list(found) == list(theirs)
    for name, array in theirs.items():
        np.testing.assert_allclose(found[name], array[:3], atol=1e-5)


@needs_torch
def test_a_broken_picture_is_a_row_of_nan(folder, capsys):
    (folder / "cut.png").write_bytes((DEMO / "scenes" / "scene_03.png").read_bytes()[:3000])
    (folder / "good.png").write_bytes((DEMO / "scenes" / "scene_07.png").read_bytes())
    table("some", ["good.png", "cut.png", "none.png", "../x.png", "good.png"], folder)
    command = "-layer conv6 fc1 -pool mean -stim some.stim.csv -allow-duplicates -batch 2 -out x.act.h5"
    status, printed, errors = run(capsys, command)
    assert (status, printed) == (1, "Finish: 2/5\nFinish: 4/5\nFinish: 5/5\n")
    assert "dnn_act: cut.png: TRUNCATED" in errors and "2 done, 3 failed, see x_errors.csv" in errors
    with Path("x_errors.csv").open() as file:
        rows = [(row["stimID"], row["stage"], row["code"]) for row in csv.DictReader(file)]
    assert rows == [
        ("cut.png", "read", "TRUNCATED"), ("none.png", "read", "MISSING"), ("../x.png", "read", "OUTSIDE_PATH"),
    ]  # fmt: skip
    for array in arrays("x.act.h5").values():
        assert np.isnan(array[[1, 2, 3]]).all() and np.isfinite(array[[0, 4]]).all()
        np.testing.assert_allclose(array[0], array[4], rtol=1e-5)
    assert run(capsys, f"{command} -max-errors 3 -overwrite")[0] == 1
    table("some", ["good.png"], folder)
    assert run(capsys, f"{command} -overwrite")[0] == 0 and not Path("x_errors.csv").exists()


@needs_torch
def test_values_that_are_no_numbers_are_told_and_dropped(tiny, folder, capsys):
    Image.new("RGB", (5, 5), "white").save("loud.png")
    Image.new("RGB", (6, 6), "white").save("good.png")
    table("two", ["loud.png", "good.png"], folder)
    status, _, errors = run(capsys, "-stim two.stim.csv -out x.act.h5", tiny.format("Loud"))
    assert status == 1 and "loud.png: NONFINITE_ACT: layer same gives" in errors and "1 done, 1 failed" in errors
    for array in arrays("x.act.h5").values():
        assert np.isnan(array[0]).all() and np.isfinite(array[1]).all()


@needs_torch
@pytest.mark.parametrize("options", ["-strict", "-max-errors 1"])
def test_too_many_broken_pictures_stop_the_run(options, folder, capsys):
    table("bad", [*SCENES[:1], "none.png", "nothing.png"])
    status, _, errors = run(capsys, f"-layer fc1 -stim bad.stim.csv {options} -out x.act.h5")
    assert status == 1 and "dnn_act: stopped: " in errors
    assert sorted(path.name for path in folder.iterdir()) == ["bad.stim.csv", "seven.stim.csv", "test.dmask.csv"]


REFUSALS = {
    "-layer conv6 -chn 65": "-chn (=65) must be one of the channels of conv6, which run from 1 to 64",
    "-layer conv6 fc1 -chn 1 11": "-chn (=11) must be one of the channels of fc1, which run from 1 to 10",
    "-dmask row.dmask.csv": "row.dmask.csv (=25) must be one of the rows of conv6, which run from 1 to 24",
    "-dmask layer.dmask.csv": "DemoNet has no layer 'fc9'; nearest: fc1",
    "-layer fc9": "DemoNet has no layer 'fc9'; nearest: fc1",
    "": "DemoNet has no list of layers such as DNNBrain's networks have; name those wanted by -layer",
    "-layer fc1 -weights none.pth": "-weights (none.pth) must be a file",
}
EARLY = {
    "-layer conv6 -chn 0": "-chn: (='0') must be a whole number, 1 or more: channels count from 1",
    "-layer conv6 fc1 -chn 1 2 3": "-chn (3 channels) must be as many as -layer (2)",
    "-layer fc1 fc1": "-layer (fc1 fc1) names a layer twice",
    "-chn 1": "-chn needs -layer",
    "-layer fc1 -dmask test.dmask.csv": "-dmask and -layer, -chn are two ways",
    "-dmask none.dmask.csv": "none.dmask.csv: No such file",
    "-layer fc1 -pool sum": "argument -pool: invalid choice: 'sum'",
    "-layer fc1 -o x": "-o is no option; did you mean -out?",
    "-layer fc1 -net Demonett": "nearest: DemoNet",
}
OTHERS = {
    "-layer fc1 -stim seven.stim.csv": "required: -out",
    "-layer fc1 -out x.act.h5": "required: -stim",
    "-layer fc1 -stim seven.stim.csv -out x.h5": "-out (x.h5) must be a file whose name ends in .act.h5",
    "-layer fc1 -stim seven.stim.csv -out no/x.act.h5": "-out (no/x.act.h5) cannot be written",
    "-layer fc1 -stim none.stim.csv -out x.act.h5": "-stim (none.stim.csv) cannot be read",
    "-layer fc1 -stim twice.stim.csv -out x.act.h5": "scene_03.png is named by the stimuli 1, 2 (from 1)",
}
REST = "-stim seven.stim.csv -out x.act.h5"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        *(pytest.param(f"{REST} {case}", message, marks=needs_torch) for case, message in REFUSALS.items()),
        *((f"{REST} {case}", message) for case, message in EARLY.items()),
        *OTHERS.items(),
    ],
)
def test_refusals_say_why_in_one_line_and_write_nothing(command, message, folder, capsys):
    (folder / "row.dmask.csv").write_text("conv6=row\n25\n")
    (folder / "layer.dmask.csv").write_text("fc9=\n")
    table("twice", SCENES[:1] * 2)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    status, printed, errors = run(capsys, command)
    assert (status, printed) == (2, "")
    assert message in errors and "Traceback" not in errors
    assert errors.startswith("dnn_act: error: ") and len(errors.strip().splitlines()) == 1
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@needs_torch
def test_layers_that_no_file_can_hold_are_refused(tiny, folder, capsys):
    Image.new("RGB", (16, 16)).save("square.png")
    Image.new("RGB", (16, 20)).save("long.png")
    table("two", ["square.png", "long.png"], folder)
    status, _, errors = run(capsys, "-layer tokens -stim two.stim.csv -out x.act.h5", tiny.format("Tokens"))
    assert status == 2 and "-layer tokens gives an array (1, 3, 50176) for 1 pictures" in errors
    status, _, errors = run(capsys, "-layer times -batch 1 -stim two.stim.csv -out x.act.h5", tiny.format("Ragged"))
    assert status == 2 and "-layer times gives (3, 16, 20) for inputs of shape (3, 16, 20), and (3, 16, 16) for a" in errors


def test_what_is_there_is_refused_before_the_network_is_loaded(folder, capsys):
    for name in ("x.act.h5", "x_errors.csv"):
        (folder / name).write_text("mine")
        status, _, errors = run(capsys, "-layer fc1 -stim seven.stim.csv -out x.act.h5 -weights none.pth")
        assert status == 2 and f"{name} is there already; give -overwrite" in errors
        assert (folder / name).read_text() == "mine"
        (folder / name).unlink()


MOMENTS = {
    "before the first values": ("saliency.io.raw_layer", "RawFileLayer.write_stimuli", 1),
    "between the layers of a batch": ("saliency.io.raw_layer", "RawFileLayer.write_stimuli", 4),
    "before a batch is recorded": ("saliency.cli.journal", "Journal.add", 2),
    "while the file is written": ("saliency.io.act", "write_layer", 2),
    "before the file is recorded": ("saliency.cli.journal", "Journal.add", 5),
    "before the table of errors": ("saliency.cli.run_log", "write_failures", 1),
    "while the parts are removed": ("os", "rmdir", 1),
    "before the journal is removed": ("saliency.cli.journal", "Journal.end", 1),
}
LONG = "-net DemoNet -layer pool2 fc1 -stim eight.stim.csv -batch 2 -out out/x.act.h5"


@needs_torch
def test_a_run_that_is_killed_at_any_moment_is_taken_up(folder, capsys):
    """Each run is killed in a folder of its own; the same command then ends as an undisturbed one does."""
    table("eight", [*SCENES[:4], "none.png", *SCENES[4:]], DEMO / "scenes")
    names = ["undisturbed", *(f"killed{i}" for i in range(len(MOMENTS)))]
    for name in names:
        (folder / name / "out").mkdir(parents=True)
        (folder / name / "eight.stim.csv").write_bytes((folder / "eight.stim.csv").read_bytes())

    with processes() as start:
        for name, moment in zip(names[1:], MOMENTS.values(), strict=True):
            assert start("dnn_act", LONG.split(), folder / name, moment).wait() == -signal.SIGKILL, moment
    for name in names:
        os.chdir(folder / name)
        if name != "undisturbed":
            assert (Path("out") / ".x.act.h5.journal").exists()
        assert dnn_act.main(LONG.split()) == 1, name
        assert sorted(path.name for path in Path("out").iterdir()) == ["x.act.h5", "x_errors.csv"], name
        assert_same(arrays("out/x.act.h5"), arrays(folder / "undisturbed" / "out" / "x.act.h5"))
        assert Path("out/x_errors.csv").read_bytes() == (folder / "undisturbed" / "out" / "x_errors.csv").read_bytes()
    assert "going on after 2 stimuli" in capsys.readouterr().err


@needs_torch
def test_a_kill_from_outside(folder, capsys):
    table("eight", [*SCENES, "scene_04.png"])
    (folder / "out").mkdir()
    command = [sys.executable, "-m", "saliency.cli.dnn_act", *LONG.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENV, bufsize=1) as process:
        assert process.stdout.readline() == "Finish: 2/8\n"
        process.kill()
    again = LONG.removeprefix("-net DemoNet ")
    assert run(capsys, again)[0] == 0
    assert [path.name for path in (folder / "out").iterdir()] == ["x.act.h5"]
    run(capsys, again.replace("out/x", "y"))
    assert_same(arrays("out/x.act.h5"), arrays("y.act.h5"))


@needs_torch
def test_an_interrupted_run_goes_on_and_another_one_is_refused(folder, capsys, monkeypatch):
    puts, put = [], saliency.io.raw_layer.RawFileLayer.write_stimuli

    def stop(part, *arguments):
        puts.append(part)
        if len(puts) == stop.at:
            raise KeyboardInterrupt
        put(part, *arguments)

    monkeypatch.setattr("saliency.io.raw_layer.RawFileLayer.write_stimuli", stop)
    command = "-layer pool2 fc1 -stim seven.stim.csv -batch 3 -out x.act.h5"
    before = sorted(folder.iterdir())
    stop.at = 2
    assert run(capsys, command)[::2] == (130, "dnn_act: interrupted; the same command goes on from what is finished\n")
    assert sorted(folder.iterdir()) == before
    stop.at = 2 + 4
    assert run(capsys, command)[0] == 130
    status, _, errors = run(capsys, f"{command} -pool max")
    assert status == 2 and "unfinished run with other arguments, -pool (None there, max here)" in errors
    status, printed, errors = run(capsys, command)
    assert (status, printed, errors) == (0, "Finish: 6/7\nFinish: 7/7\n", "dnn_act: going on after 3 stimuli\n")
    stop.at = len(puts) + 4
    assert run(capsys, f"{command} -overwrite")[0] == 130
    assert run(capsys, f"{command} -pool max -overwrite")[0] == 0
    assert arrays("x.act.h5")["pool2"].shape == (7, 32, 1, 1)
    assert sorted(folder.iterdir()) == sorted([*before, folder / "x.act.h5"])


@needs_torch
def test_parts_that_are_gone_are_told(folder, capsys, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("saliency.io.act.write_layer", stop)
    command = "-layer fc1 -stim seven.stim.csv -out x.act.h5"
    assert run(capsys, command)[0] == 130
    ActFiles(Path("x.act.h5")).remove_parts()
    status, _, errors = run(capsys, command)
    assert status == 2 and "error: .x.act.h5.parts lacks what .x.act.h5.journal has for done; remove both" in errors


def test_two_runs_at_a_time_are_refused(folder, capsys):
    fcntl = pytest.importorskip("fcntl")
    with Path(".x.act.h5.journal").open("wb") as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        status, _, errors = run(capsys, "-layer fc1 -stim seven.stim.csv -out x.act.h5")
    assert status == 2 and "is being written by another run" in errors
    assert Path(".x.act.h5.journal").exists()


def test_dnnbrain_s_cuda_is_a_device():
    assert dnn_act._parser().parse(shlex.split(f"-net DemoNet {REST} -cuda")).device == "cuda"


@needs_torch
def test_debug_shows_the_whole_error(folder):
    with pytest.raises(ValueError, match="no layer"):
        dnn_act.main(shlex.split(f"-net DemoNet -layer fc9 {REST} -debug"))
