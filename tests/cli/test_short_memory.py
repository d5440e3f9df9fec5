"""Memory that runs out for one image: a row of the table of failures, and the run goes on."""

import csv
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency.cli import activations, dnn_saliency
from saliency.io import picture
from saliency.nets.network import Network
from tests.cli.activation_command import arrays, run, table

COMMON = "-layer fc1 -chn 3 -stim seven.stim.csv -batch 4"


def codes(file):
    with Path(file).open(newline="") as opened:
        return [(row["stimID"], row["stage"], row["code"]) for row in csv.DictReader(opened)]


@pytest.mark.needs("torch")
def test_reading_and_preparing(folder, capsys, monkeypatch):
    convert, prepare = picture.convert_to_rgb, Network.prepare

    def short_of_memory(path, image, options):
        if path.name == "scene_07.png":
            raise MemoryError
        return convert(path, image, options)

    def short_for_the_second(network, rgb, *others):
        if rgb.getpixel((0, 0)) == (1, 2, 3):
            raise MemoryError("unable to allocate")
        return prepare(network, rgb, *others)

    Image.new("RGB", (9, 9), (1, 2, 3)).save("odd.png")
    table("odd", ["odd.png", "good.png"], folder)
    Image.new("RGB", (9, 9)).save("good.png")
    monkeypatch.setattr(picture, "convert_to_rgb", short_of_memory)
    monkeypatch.setattr(Network, "prepare", short_for_the_second)
    assert run(capsys, f"{COMMON} -out x.act.h5")[0] == 1
    assert codes("x_errors.csv") == [("scene_07.png", "read", "OOM")]
    assert run(capsys, f"{COMMON.replace('seven', 'odd')} -out y.act.h5")[0] == 1
    assert codes("y_errors.csv") == [("odd.png", "prepare", "OOM")]


@pytest.mark.needs("torch")
def test_the_network(folder, capsys, monkeypatch):
    """The network runs out of memory for every batch that contains the third image."""
    compute = activations.ActivationExtractor._layer_activation
    inputs = []

    def short_for_the_third(self, name, x):
        if len(x) == 4 and not inputs:
            inputs.append(x[2].numpy())
        if inputs and any(np.array_equal(one, inputs[0]) for one in x.numpy()):
            raise saliency.MemoryShortage("1 input(s) do not fit into memory")
        return compute(self, name, x)

    assert run(capsys, f"{COMMON} -out whole.act.h5")[0] == 0
    monkeypatch.setattr(activations.ActivationExtractor, "_layer_activation", short_for_the_third)
    status, _, errors = run(capsys, f"{COMMON} -out x.act.h5")
    assert status == 1 and "scene_17.png: OOM: 1 input(s) do not fit into memory" in errors
    assert codes("x_errors.csv") == [("scene_17.png", "forward", "OOM")]
    found, whole = arrays("x.act.h5")["fc1"], arrays("whole.act.h5")["fc1"]
    assert np.isnan(found[2]).all()
    np.testing.assert_allclose(np.delete(found, 2, 0), np.delete(whole, 2, 0), rtol=1e-4)


@pytest.mark.needs("torch")
def test_a_figure_keeps_one_large_image_at_a_time(folder, capsys, monkeypatch):
    """The images of a figure are reduced before the next one is read."""
    read, images, alive = picture.read_picture, [], []

    def counted(path, options):
        alive.append(sum(image() is not None for image in images))
        rgb, notes = read(path, options)
        images.append(weakref.ref(rgb))
        return rgb, notes

    names = [f"large_{i}.png" for i in range(3)]
    for i, name in enumerate(names):
        Image.new("RGB", (1500, 1000), (i, 0, 0)).save(name, compress_level=1)
    table("large", names, folder)
    monkeypatch.setattr("saliency.io.picture.read_picture", counted)
    arguments = "-net DemoNet -layer fc1 -chn 3 -meth vanilla -stim large.stim.csv -out figures"
    assert dnn_saliency.main(arguments.split()) == 0
    assert alive == [0, 0, 0]
