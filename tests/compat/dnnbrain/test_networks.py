"""DNNBrain's networks: their layers, their weights, and maps of layers inside them."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import saliency
from saliency.compat.dnnbrain import GuidedSaliencyImage, VanillaSaliencyImage, models
from saliency.compat.dnnbrain.models import Googlenet, Resnet152, Vgg11
from saliency.core.errors import InputError
from tests.compat.dnnbrain.random_network import random_image, random_network
from tests.compat.dnnbrain.stored_maps import KINDS, assert_same


def test_missing_weights_raise_an_error_with_their_path(tmp_path, monkeypatch):
    pytest.importorskip("torchvision")
    monkeypatch.setenv("DNNBRAIN_DATA", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", lambda *_, **__: (_ for _ in ()).throw(OSError("no network")))
    with pytest.raises(InputError, match=r"models/vgg11.pth"):
        Vgg11()
    with pytest.raises(InputError, match="`weights` .* must be None if `pretrained` is False"):
        Vgg11(pretrained=False, weights="vgg11.pth")


def test_a_container_layer_is_guided_inside_and_differentiated_by_its_own_input():
    """Differs from DNNBrain, which guides nothing inside the container and returns the gradient of its first ReLU."""
    pytest.importorskip("torchvision")
    dnn, picture = random_network(Resnet152), random_image(64)
    image = GuidedSaliencyImage(dnn, "layer1_bottleneck1", 3)
    got = image.backprop(picture, "layer1_bottleneck1")
    with torch.no_grad():
        m = dnn.model
        h = m.layer1[0](m.maxpool(m.relu(m.bn1(m.conv1(dnn.test_transform(picture)[None])))))
    wanted = saliency.GuidedBackprop(m.layer1[1], lambda out: out[:, 2].mean((1, 2))).GetMask(h[0])
    assert_same(got, np.asarray(wanted), "container")


def test_googlenet_has_image_gradients_and_guided_functional_relus():
    """Differs from DNNBrain, which returns the gradient of the first layer's ReLU, the same for both methods."""
    pytest.importorskip("torchvision")
    dnn, picture = random_network(Googlenet), random_image(64)
    found = [kind(dnn, "inception4a", 1).backprop(picture) for kind in KINDS.values()]
    assert [one.shape for one in found] == [(3, 224, 224)] * 2
    assert all(one.any() for one in found) and not np.allclose(*found, atol=1e-3 * np.abs(found[0]).max())
    assert VanillaSaliencyImage(dnn, "inception4a", 1).backprop(picture, "inception3b").shape == (256, 28, 28)


@pytest.mark.parametrize("name", ["AlexNet", "Googlenet", "InceptionV3", "Resnet152", "Vgg11", "Vgg19_bn", "VggFace"])
def test_every_network_has_its_layers(name):
    pytest.importorskip("torchvision")
    with torch.device("meta"):
        dnn = getattr(models, name)(pretrained=False)
    assert not dnn.model.training and dnn.img_size == ((299, 299) if name == "InceptionV3" else (224, 224))
    assert dnn.layer2module(dnn.layers[0]) is not dnn.layer2module(dnn.layers[-1])
    assert all(isinstance(keys, tuple) for keys in dnn.layer2loc.values())
    assert dnn.layer2module(dnn.layers[-1]).out_features == (2622 if name == "VggFace" else 1000)


@pytest.mark.needs("tensorflow")
def test_a_keras_model_gives_torch_s_maps():
    from saliency import nets

    picture, found = random_image(96), {}
    for framework in ("torch", "tf"):
        image = GuidedSaliencyImage(nets.load("DemoNet", framework=framework), "relu6", 3)
        found[framework] = [image.backprop(picture, to_layer) for to_layer in (None, "conv4")]
    for ours, theirs in zip(found["tf"], found["torch"], strict=True):
        np.testing.assert_allclose(np.moveaxis(ours, -1, 0), theirs, rtol=1e-3, atol=1e-4 * np.abs(theirs).max())
