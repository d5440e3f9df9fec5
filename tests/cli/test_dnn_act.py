"""Run ``dnn_act`` as a user does: the activations that it writes."""

import csv
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency.cli import dnn_mask
from tests import dnnbrain
from tests.cli.activation_command import DEMO, SCENES, arrays, assert_same, run, table
from tests.dnnbrain import FIXTURES, FORMATS, needs_fixtures

needs_torch, needs_tf = pytest.mark.needs("torch"), pytest.mark.needs("tensorflow")


def inputs(framework="torch"):
    network = saliency.nets.load("DemoNet", framework=framework)
    return network, np.stack([network.prepare(Image.open(DEMO / "scenes" / name)) for name in SCENES])


@needs_torch
def test_the_output_has_dnnbrain_s_layout(folder, capsys):
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
def test_selected_units_equal_those_of_dnn_mask(folder, capsys):
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


@needs_torch
def test_without_layer_all_listed_layers_are_computed(tiny, capsys):
    assert run(capsys, "-stim tiny.stim.csv -out x.act.h5", tiny.format("Tiny"))[::2] == (0, "")
    found = arrays("x.act.h5")
    assert len(found) == 9 and found["conv1_relu"].shape == (1, 4, 16, 16)
    np.testing.assert_array_equal(found["conv1_relu"], found["conv1"].clip(0))  # conv1 as it was before the in-place ReLU
    if FIXTURES.exists():
        theirs = FIXTURES / "tinynet" / "tiny_all.act.h5"
        assert dnnbrain.structure(Path("x.act.h5")) == dnnbrain.structure(theirs)
        for name, array in arrays(theirs).items():
            np.testing.assert_allclose(found[name], array, atol=1e-5)


@needs_fixtures
@needs_torch
def test_activations_of_alexnet_equal_dnnbrain_s(folder, capsys):
    pytest.importorskip("torchvision")
    import torch
    from torchvision.models import alexnet

    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        torch.save(alexnet().state_dict(), folder / "alexnet.pth")
    with Image.open(FIXTURES / "images" / "synthC.png") as picture:  # Pillow 13 resizes its rows first, Pillow 10 its columns
        picture.resize((224, 320), Image.Resampling.BILINEAR).resize((224, 224), Image.Resampling.BILINEAR).save("synthC.png")
    for name in ("synthA.png", "synthB.png"):
        (folder / name).write_bytes((FIXTURES / "images" / name).read_bytes())
    table("images", ["synthA.png", "synthB.png", "synthC.png"], folder)  # the fourth image is not available
    mask = "conv5=chn\n1,2,3,4,5,6,7,8\nfc3=chn\n1,2,3,4,5,6,7,8,9,10\nconv1_maxpool=chn,row,col\n5,7\n1,3,5,7,9\n2,4,6\n"
    (folder / "mask.dmask.csv").write_text(mask)
    command = "-weights alexnet.pth -dmask mask.dmask.csv -stim images.stim.csv -out x.act.h5"
    assert run(capsys, command, "AlexNet")[::2] == (0, "")
    found, theirs = arrays("x.act.h5"), arrays(FORMATS / "test.act.h5")
    assert list(found) == list(theirs)
    for name, array in theirs.items():
        np.testing.assert_allclose(found[name], array[:3], atol=1e-5)


@needs_torch
def test_a_broken_image_is_a_row_of_nan(folder, capsys):
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
def test_nonfinite_activations_are_reported_and_replaced_by_nan(tiny, folder, capsys):
    Image.new("RGB", (5, 5), "white").save("loud.png")
    Image.new("RGB", (6, 6), "white").save("good.png")
    table("two", ["loud.png", "good.png"], folder)
    status, _, errors = run(capsys, "-stim two.stim.csv -out x.act.h5", tiny.format("Overflowing"))
    assert (
        status == 1
        and "loud.png: NONFINITE_ACT: layer same has infinite or NaN values" in errors
        and "1 done, 1 failed" in errors
    )
    for array in arrays("x.act.h5").values():
        assert np.isnan(array[0]).all() and np.isfinite(array[1]).all()


@needs_torch
def test_a_network_whose_samples_meet_is_run_one_at_a_time(tiny, folder, capsys):
    command = "-layer pool mixed -stim seven.stim.csv -out"
    assert run(capsys, f"{command} 1.act.h5 -batch 1", tiny.format("Mixing"))[0] == 0
    with pytest.warns(UserWarning, match="the samples of a batch influence each other"):
        assert run(capsys, f"{command} 3.act.h5 -batch 3", tiny.format("Mixing"))[0] == 0
    assert_same(arrays("3.act.h5"), arrays("1.act.h5"))


@needs_torch
@pytest.mark.parametrize("options", ["-strict", "-max-errors 1"])
def test_too_many_broken_images_stop_the_run(options, folder, capsys):
    table("bad", [*SCENES[:1], "none.png", "nothing.png"])
    status, _, errors = run(capsys, f"-layer fc1 -stim bad.stim.csv {options} -out x.act.h5")
    assert status == 1 and "dnn_act: stopped: " in errors
    assert sorted(path.name for path in folder.iterdir()) == ["bad.stim.csv", "seven.stim.csv", "test.dmask.csv"]
