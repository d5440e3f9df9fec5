"""The bundled networks have the same logits and layers in Keras as in Torch."""

import random

import numpy as np
import pytest
import safetensors.numpy

import saliency
from saliency import nets
from saliency.demo.localization import prepare_inputs, scene_targets
from saliency.demo.scenes import HERE, load_scenes

pytestmark = pytest.mark.needs("tensorflow")

TARGETS = scene_targets(load_scenes())
FILES = {"DemoNet": "clean.safetensors", "ShortcutNet": "shortcut.safetensors"}


def state():
    return safetensors.numpy.load_file(HERE / "clean.safetensors")


def load(tmp_path, state):
    safetensors.numpy.save_file(state, tmp_path / "w.safetensors")
    return nets.load("DemoNet", tmp_path / "w.safetensors", framework="tf")


@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", FILES)
def test_logits_equal_those_in_torch(name):
    import torch

    from saliency.nets.demo_net_keras import build_demo_net
    from saliency.nets.keras_weights import load_weights

    ours, theirs = nets.load(name, framework="tf"), nets.load(name)
    x, same = np.stack(prepare_inputs(ours, TARGETS)), torch.tensor(np.stack(prepare_inputs(theirs, TARGETS)))
    with torch.no_grad():
        logits, exact = theirs.model(same).numpy(), theirs.model.double()(same.double()).numpy()
    assert np.abs(ours.model(x).numpy() - logits).max() < 1e-5 * np.abs(logits).max()
    double = build_demo_net("float64")
    load_weights(double, HERE / FILES[name])
    assert np.abs(double(x.astype(float)).numpy() - exact).max() < 1e-12


@pytest.mark.needs("torch")
def test_layers_have_the_names_and_order_of_torch():
    names = [name for name in nets.load("DemoNet", framework="tf").paths if name not in ("scene", "flatten")]
    assert names == list(nets.load("DemoNet").paths)


def test_inputs_have_channels_last():
    network = nets.load("demonet", framework="tf")
    prepared = network.prepare(load_scenes()[0].picture)
    assert (network.name, network.channel_axis, prepared.shape) == ("DemoNet", -1, (96, 96, 3))
    assert network.model.input_shape == (None, 96, 96, 3)
    with pytest.raises(saliency.TargetError, match=r"DemoNet has no layer 'cnov4'; nearest: conv4"):
        network.layer("cnov4")


def test_weights_of_other_files(tmp_path):
    logits = nets.load("DemoNet", framework="tf").model(np.ones((1, 96, 96, 3), "float32")).numpy()
    halved = {f"module.{name}": np.asarray(value, np.float16) for name, value in state().items()}
    network = load(tmp_path, halved)
    assert {str(weight.dtype) for weight in network.model.weights} == {"float32"}
    assert np.abs(network.model(np.ones((1, 96, 96, 3), "float32")).numpy() - logits).max() < 0.05 * np.abs(logits).max()
    less = {name: value for name, value in state().items() if name != "fc1.bias"}
    with pytest.raises(saliency.InputError, match=r"lacks fc1.bias; it must match DemoNet in names and shapes"):
        load(tmp_path, less)
    with pytest.raises(saliency.InputError, match="has unexpected other.weight"):
        load(tmp_path, state() | {"other.weight": np.ones(1, "float32")})
    with pytest.raises(saliency.InputError, match="has the wrong shape for fc1.bias"):
        load(tmp_path, state() | {"fc1.bias": np.ones(11, "float32")})


def test_files_that_are_no_weights_are_refused(tmp_path):
    with pytest.raises(saliency.InputError, match="must be an existing file"):
        nets.load("DemoNet", tmp_path / "none.safetensors", framework="tf")
    whole = (HERE / "clean.safetensors").read_bytes()
    for name, content in {"cut.safetensors": whole[:-100], "empty.pth": b"", "text.pth": b"hello", "odd": b"\xff" * 7}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(saliency.InputError, match="must be safetensors"):
            nets.load("DemoNet", tmp_path / name, framework="tf")


def test_networks_that_are_not_bundled_are_refused():
    with pytest.raises(saliency.InputError, match="is not in `framework` .='tf'.: give 'torch', which has Vgg11"):
        nets.load("Vgg11", framework="tf")
    with pytest.raises(saliency.InputError, match="nearest: DemoNet"):
        nets.load("DemoNett", framework="tf")


def test_an_untrained_network_is_reproducible_and_preserves_global_generators():
    before = random.getstate(), np.random.get_state()[1].copy()
    first, again, another = (nets.untrained(seed, "tf").get_weights() for seed in (0, 0, 1))
    assert random.getstate() == before[0] and np.array_equal(np.random.get_state()[1], before[1])
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], another[0])
    assert 0.9 * 27**-0.5 < np.abs(first[0]).max() <= 27**-0.5  # conv1, of 3 x 3 x 3 inputs


def test_a_keras_on_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr("keras.config.backend", lambda: "jax")
    with pytest.raises(saliency.ModelError, match="needs Keras on TensorFlow, not on jax: set KERAS_BACKEND"):
        nets.load("DemoNet", framework="tf")
