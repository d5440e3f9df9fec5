"""User-defined networks: functions, and objects with DNNBrain's attributes."""

import sys

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency import nets

NETWORKS = """
import torch
from PIL import Image

from saliency.nets import Network


def small():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * 14 * 10, 5))


class Small:
    def __init__(self):
        self.model = small()
        self.layer2loc = {"conv1": ("0",), "conv1_relu": ("1",), "fc1": "3"}
        self.img_size = (16, 12)

    def test_transform(self, picture):
        return torch.tensor(list(picture.resize((12, 16)).tobytes())).reshape(16, 12, 3).permute(2, 0, 1) / 4


class Unsized(Small):
    def __init__(self):
        super().__init__()
        del self.img_size


class Lost(Small):
    def __init__(self):
        super().__init__()
        self.layer2loc = {"conv1": ("features", "0")}


def whole():
    return Network("mine", small(), (16, 12), paths={"first": "0"})


def number():
    return 3


def fails():
    raise KeyError("weights")


model = small()
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "networks.py").write_text(NETWORKS)
    return tmp_path / "networks.py"


@pytest.mark.needs("torch")
def test_a_function_returns_a_module(file):
    network = nets.load(f"{file}:small")
    assert (network.size, network.channel_axis, network.layer("0"), network.channels) == ((224, 224), 0, "0", {"0": 4, "3": 5})
    assert not network.model.training and network.std == (0.229, 0.224, 0.225)
    assert set(nets.load(f"{file}:model").paths) == {"0", "1", "2", "3"}


@pytest.mark.needs("torch")
def test_a_class_with_dnnbrain_s_attributes(file):
    network = nets.load(f"{file}:Small")
    assert (network.size, network.layer("conv1_relu"), network.layer("fc1")) == ((16, 12), "1", "3")
    assert network.channels["conv1"] == 4 and network.name == f"{file}:Small"
    picture = Image.fromarray(np.arange(16 * 12 * 3, dtype=np.uint8).reshape(16, 12, 3))
    x = network.prepare(picture)
    assert x.dtype == np.float32 and np.array_equal(x, np.asarray(picture, np.float32).transpose(2, 0, 1) / 4)
    mask = saliency.GuidedBackprop(network.model, (network.layer("fc1"), 2)).GetMask(x)
    assert np.asarray(mask).shape == (3, 16, 12)
    assert nets.load(f"{file}:Unsized").size == (16, 12)


@pytest.mark.needs("torch")
def test_a_function_may_return_a_network(file):
    network = nets.load(f"{file}:whole")
    assert (network.name, network.layer("first")) == ("mine", "0")


@pytest.mark.needs("torch")
def test_weights_are_loaded_into_a_user_s_model(file, tmp_path):
    import torch

    model = nets.load(f"{file}:small").model
    torch.save(model.state_dict(), tmp_path / "w.pth")
    loaded = nets.load(f"{file}:Small", tmp_path / "w.pth").model
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in model.state_dict().items())


@pytest.mark.needs("torch")
def test_a_file_imports_modules_from_its_folder(file):
    (file.parent / "main.py").write_text("def late():\n    from networks import small\n    return small()\n")
    before = list(sys.path)
    assert nets.load(f"{file.parent / 'main.py'}:late").channels == {"0": 4, "3": 5}
    assert sys.path == before
    del sys.modules["networks"]


@pytest.mark.needs("torch")
def test_a_module_on_the_python_path(file, monkeypatch):
    monkeypatch.syspath_prepend(str(file.parent))
    assert nets.load("networks:Small").size == (16, 12)
    monkeypatch.delitem(sys.modules, "networks")


@pytest.mark.needs("torch")
@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("number", r"must be a Torch module or a Keras model, or have one as `model`"),
        ("none", "has no function none"),
        ("Lost", "its `layer2loc` has conv1 at features.0, but the model has no such module"),
    ],
)
def test_other_objects_are_refused(file, function, message):
    with pytest.raises(saliency.InputError, match=message):
        nets.load(f"{file}:{function}")


@pytest.mark.needs("torch")
def test_errors_of_a_function_are_reported(file):
    with pytest.raises(saliency.ModelError, match=r"fails'\) raises KeyError: 'weights'") as refusal:
        nets.load(f"{file}:fails")
    assert isinstance(refusal.value.__cause__, KeyError)
    with pytest.raises(
        saliency.InputError,
        match=r"`framework` \(='tf'\) must be 'torch' for `net` \(='.*small'\), which is a model in 'torch'",
    ):
        nets.load(f"{file}:small", framework="tf")


def test_missing_files_and_modules_are_refused(tmp_path):
    with pytest.raises(saliency.InputError, match="must be an existing Python file"):
        nets.load(f"{tmp_path}/none.py:small")
    with pytest.raises(saliency.InputError, match="the module nowhere does not exist; for a file, give file.py:function"):
        nets.load("nowhere.at.all:small")
    (tmp_path / "needs.py").write_text("import nothing_of_this_name")
    with pytest.raises(saliency.ModelError, match="raises ModuleNotFoundError: No module named 'nothing_of_this_name'"):
        nets.load(f"{tmp_path}/needs.py:small")


def test_the_error_for_a_folder_suggests_wrap(tmp_path):
    with pytest.raises(saliency.InputError, match="is a folder; a SavedModel has no named layers"):
        nets.load(str(tmp_path))


@pytest.mark.needs("tensorflow")
def test_a_function_returns_a_keras_model(tmp_path):
    (tmp_path / "networks.py").write_text(
        "import keras\n"
        "def small():\n"
        "    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name='conv')], name='inner')\n"
        "    return keras.Sequential([keras.Input((8, 8, 3)), inner, keras.layers.Flatten(), keras.layers.Dense(2, name='fc')])\n"
        "class Small:\n"
        "    def __init__(self):\n"
        "        self.model, self.layer2loc = small(), {'conv1': ('inner', 'conv')}\n"
        "    def test_transform(self, picture):\n"
        "        return keras.utils.img_to_array(picture.resize((8, 8)))\n"
        "class Lost:\n"
        "    model, layer2loc = small(), {'fc9': 'fc9'}\n"
    )
    network = nets.load(f"{tmp_path}/networks.py:small")
    assert (network.size, network.channel_axis, network.channels["fc"]) == ((8, 8), -1, 2)
    assert network.prepare(Image.new("RGB", (9, 9))).shape == (8, 8, 3)
    network = nets.load(f"{tmp_path}/networks.py:Small", framework="tf")
    assert (network.layer("conv1"), network.channels["inner/conv"]) == ("inner/conv", 4)
    with pytest.raises(saliency.InputError, match="`layer2loc` has fc9 at fc9, but the model has no such layer"):
        nets.load(f"{tmp_path}/networks.py:Lost")
    x = network.prepare(Image.new("RGB", (9, 9), (9, 8, 7)))
    assert x[0, 0].tolist() == [9, 8, 7]
    assert np.asarray(saliency.Vanilla(network.model, (network.layer("conv1"), 1)).GetMask(x)).any()
