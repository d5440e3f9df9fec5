"""Vanilla and guided maps of layers and channels equal those that DNNBrain's own code produced."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import saliency
from saliency.nets.layer_names import layer_paths
from saliency.nets.network import Network

TINY = Path(__file__).parents[1] / "fixtures" / "dnnbrain_tinynet"
ALEXNET = Path(__file__).parents[3] / "shared" / "fixtures" / "dnnbrain" / "saliency"
LAYERS = {
    "conv1": "features.0", "conv1_relu": "features.1", "conv1_maxpool": "features.2", "conv2": "features.3",
    "conv2_relu": "features.4", "conv2_maxpool": "features.5", "fc1": "classifier.0", "fc1_relu": "classifier.1",
    "fc2": "classifier.2",
}  # fmt: skip
MASKS = {"vanilla": saliency.Vanilla, "guided": saliency.GuidedBackprop}


class TinyModel(torch.nn.Module):
    def __init__(self):
        super().__init__()
        relu, pool = torch.nn.ReLU, torch.nn.MaxPool2d
        self.features = torch.nn.Sequential(
            torch.nn.Conv2d(3, 4, 3, padding=1), relu(True), pool(2), torch.nn.Conv2d(4, 6, 3, padding=1), relu(True), pool(2)
        )
        self.classifier = torch.nn.Sequential(torch.nn.Linear(96, 10), relu(True), torch.nn.Linear(10, 5))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


@pytest.fixture(scope="module")
def tiny():
    model = TinyModel()
    model.load_state_dict({name: torch.tensor(value) for name, value in np.load(TINY / "tiny_net_weights.npz").items()})
    return model


def test_preprocessing_equals_dnnbrain(tiny):
    network = Network("tiny", tiny, (16, 16), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    prepared = network.prepare(Image.open(TINY / "tiny.png"))
    np.testing.assert_allclose(prepared, np.load(TINY / "tiny_saliency.npz")["input"][0], atol=1e-6)


@pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")  # six of the maps are zero, in DNNBrain too
@pytest.mark.parametrize("method", MASKS)
def test_all_layers_and_channels_of_a_small_network(tiny, method):
    maps = np.load(TINY / "tiny_saliency.npz")
    names = [name for name in maps if name.startswith(method)]
    assert len(names) == 36
    for name in names:
        _, layer, channel = name.split("__")
        mask = MASKS[method](tiny, (LAYERS[layer], int(channel) - 1))
        got = mask.GetMask(maps["input"][0], **({"allow_no_relu": True} if method == "guided" else {}))
        assert np.abs(got - maps[name]).max() <= 1e-5 * np.abs(maps[name]).max(), name


@pytest.mark.skipif(not ALEXNET.exists(), reason="the maps of AlexNet are not here")
def test_alexnet_by_dnnbrain_layer_names():
    pytest.importorskip("torchvision")
    from torchvision.models import alexnet

    torch.manual_seed(0)
    model = alexnet()
    expected = json.loads((ALEXNET / "alexnet_seed0_sha256.json").read_text())["tensors"]
    own = {name: hashlib.sha256(value.numpy().tobytes()).hexdigest() for name, value in model.state_dict().items()}
    if own != expected:
        pytest.skip("this Torch draws other random weights")
    paths = layer_paths(model)
    files = [file for file in sorted(ALEXNET.glob("*.npy")) if len(file.stem.split("__")) == 4]
    assert len(files) == 10
    for file in files:
        method, image, layer, channel = file.stem.split("__")
        x = np.load(ALEXNET / f"input__{image}.npy")[0]
        got, wanted = MASKS[method](model, (paths[layer], int(channel) - 1)).GetMask(x), np.load(file)
        assert np.abs(got - wanted).max() <= 1e-4 * np.abs(wanted).max(), file.name
