"""torchvision's networks and DNNBrain's: layers, preprocessing, and where their weights are found."""

import hashlib
import socket
import threading
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("torchvision.models")

import torch
from PIL import Image
from torchvision import models

import saliency
from saliency import nets
from saliency.nets import catalog
from saliency.nets.connection_timeout import connection_timeout
from saliency.nets.find_weights import WeightsSource, find_weights
from saliency.nets.layer_names import dnnbrain_layers, layer_paths
from saliency.nets.torchvision_networks import build_model, dnnbrain_preparation, torchvision_preparation, weights_source

LAYERS = {  # number of DNNBrain's names, the first, the last, and some names -> their modules
    "AlexNet": (18, "conv1", "fc3", {"conv1": "features.0", "conv5_maxpool": "features.12", "fc1": "classifier.1"}),
    "Googlenet": (17, "conv1", "fc", {"inception4e": "inception4e", "maxpool2": "maxpool2"}),
    "InceptionV3": (20, "conv1", "fc", {"conv3": "Conv2d_2b_3x3", "conv5": "Conv2d_4a_3x3", "inception11": "Mixed_7c"}),
    "Resnet152": (56, "conv", "fc", {"conv": "conv1", "bn": "bn1", "layer3_bottleneck35": "layer3.35"}),
    "Vgg11": (26, "conv1", "fc3", {"conv8_maxpool": "features.20", "fc1": "classifier.0", "fc3": "classifier.6"}),
    "Vgg19_bn": (58, "conv1", "fc3", {"conv1_bn": "features.1", "conv1_relu": "features.2", "conv16_maxpool": "features.52"}),
    "VggFace": (36, "conv1_1", "fc8", {"relu5_3": "relu5_3", "pool5": "pool5", "fc6": "fc6"}),
}


def random_picture(width, height):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def test_the_table_contains_all_of_dnnbrain_s_networks():
    assert set(LAYERS) == set(catalog.DNNBRAIN)


@pytest.mark.parametrize("name", LAYERS)
def test_dnnbrain_s_layer_names_in_the_order_of_the_forward_pass(name):
    with torch.device("meta"):
        model = build_model(catalog.DNNBRAIN[name].builder, catalog.DNNBRAIN[name].side).eval()
    layers = dnnbrain_layers(model)
    number, first, last, some = LAYERS[name]
    assert (len(layers), next(iter(layers)), list(layers)[-1]) == (number, first, last)
    assert {layer: layers[layer] for layer in some} == some
    assert layer_paths(model) | layers == layer_paths(model)
    called = []
    for layer, path in layers.items():
        model.get_submodule(path).register_forward_hook(lambda _, x, y, layer=layer: called.append(layer))
    model(torch.ones(1, 3, *dnnbrain_preparation(name)["size"], device="meta"))
    assert set(called) == set(layers) and [layer for i, layer in enumerate(called) if layer not in called[:i]] == list(layers)


def test_relu_is_a_relu_and_bn_a_normalization_in_all_names():
    with torch.device("meta"):
        model = build_model("vgg19_bn", 224)
    kinds = {"relu": torch.nn.ReLU, "bn": torch.nn.BatchNorm2d, "maxpool": torch.nn.MaxPool2d}
    for layer, path in dnnbrain_layers(model).items():
        kind = kinds.get(layer.partition("_")[2], torch.nn.Conv2d | torch.nn.Linear)
        assert isinstance(model.get_submodule(path), kind), layer


@pytest.mark.parametrize("name", catalog.TORCHVISION)
def test_pictures_are_prepared_as_torchvision_s_transforms_do(name):
    transforms = models.get_model_weights(name).DEFAULT.transforms()
    network = nets.Network(name, None, **torchvision_preparation(name))
    sizes = [(300, 400), (97, 61)] if name in ("alexnet", "efficientnet_b2", "swin_t", "vit_h_14") else [(97, 61)]
    for size in sizes:
        picture = random_picture(*size)
        assert np.array_equal(network.prepare(picture), transforms(picture).numpy())


@pytest.mark.parametrize("shorter", [7, 8, 30])
def test_a_center_that_is_larger_than_the_picture_is_padded_as_torchvision_does(shorter):
    from torchvision.transforms import CenterCrop, Compose, Resize

    from saliency.nets.preparation import resize_and_crop

    theirs = Compose([Resize(shorter), CenterCrop((20, 13))])
    for size in [(50, 31), (31, 50), (40, 40)]:
        ours = resize_and_crop(random_picture(*size), (20, 13), shorter, Image.Resampling.BILINEAR)
        assert np.array_equal(np.asarray(ours), np.asarray(theirs(random_picture(*size))))


@pytest.mark.parametrize("name", LAYERS)
def test_dnnbrain_s_networks_resize_the_whole_picture(name):
    from torchvision import transforms

    preparation = dnnbrain_preparation(name)
    scale = [transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
    if name == "VggFace":
        means = (129.186279296875, 104.76238250732422, 93.59396362304688)
        scale = [transforms.Lambda(lambda x: x * 255), transforms.Normalize(means, (1, 1, 1))]
    theirs = transforms.Compose([transforms.Resize(preparation["size"]), transforms.ToTensor(), *scale])
    picture = random_picture(320, 180)
    prepared, expected = nets.Network(name, None, **preparation).prepare(picture), theirs(picture).numpy()
    assert np.abs(prepared - expected).max() <= 1e-6 * np.abs(expected).max()


def test_networks_by_both_spellings(tmp_path, offline):
    torch.manual_seed(0)
    torch.save(models.alexnet(weights=None).state_dict(), tmp_path / "w.pth")
    before = torch.get_rng_state()
    theirs, ours = nets.load("alexnet", tmp_path / "w.pth"), nets.load("AlexNet", tmp_path / "w.pth")
    assert torch.equal(torch.get_rng_state(), before)
    assert (theirs.resize, ours.resize, theirs.size, ours.size) == (256, None, (224, 224), (224, 224))
    assert theirs.paths == ours.paths and ours.layer("fc3") == ours.layer("classifier.6") == "classifier.6"
    assert (ours.channels["fc3"], ours.channels["conv1"]) == (1000, 64) and not ours.model.training
    x = ours.prepare(random_picture(30, 20))
    assert np.asarray(saliency.GuidedBackprop(ours.model, (ours.layer("conv5"), 3)).GetMask(x)).shape == (3, 224, 224)
    assert replace(theirs, resize=None).prepare(random_picture(30, 20)).tolist() == x.tolist()


def test_weights_are_found_in_dnnbrain_s_folder_before_torchvision_s_cache(tmp_path, offline, monkeypatch):
    torch.manual_seed(0)
    state = models.squeezenet1_1(weights=None).state_dict()
    cache = tmp_path / "torch" / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    torch.save(state, cache / "squeezenet1_1-b8a52dc0.pth")
    assert torch.equal(nets.load("SqueezeNet1_1").model.state_dict()["classifier.1.bias"], state["classifier.1.bias"])
    (cache / "vgg11-8a719046.pth").touch()
    assert find_weights("Vgg11", weights_source("Vgg11")) == cache / "vgg11-8a719046.pth"
    monkeypatch.setenv("DNNBRAIN_DATA", str(tmp_path / "data"))
    assert find_weights("Vgg11", weights_source("Vgg11")) == cache / "vgg11-8a719046.pth"
    (tmp_path / "data" / "models").mkdir(parents=True)
    (tmp_path / "data" / "models" / "vgg11.pth").write_bytes(b"damaged")
    assert find_weights("vgg11", weights_source("vgg11")) == tmp_path / "data" / "models" / "vgg11.pth"
    with pytest.raises(saliency.InputError, match=r"models.vgg11.pth\) must be safetensors or a plain Torch state dict"):
        nets.load("Vgg11")


def test_the_error_for_missing_weights_lists_every_location(tmp_path, offline):
    with pytest.raises(saliency.InputError) as refusal:
        nets.load("Resnet152")
    message = str(refusal.value)
    for location in (
        "models/resnet152.pth (DNNBRAIN_DATA is not set)",
        str(tmp_path / "torch"),
        "resnet152-394f9c45.pth (no network",
    ):
        assert location in message and "\n" not in message
    with pytest.raises(saliency.InputError, match=r"there is none at .*vgg_face_dag.pth \(DNNBRAIN_DATA is not set\)$"):
        nets.load("VggFace")


def test_a_server_that_does_not_respond_times_out(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("saliency.nets.find_weights.connection_timeout", lambda: connection_timeout(0.2))
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/vgg11-12345678.pth"
        threads, before = threading.active_count(), socket.getdefaulttimeout()
        with pytest.raises(saliency.InputError, match=r"vgg11-12345678.pth \(timed out\)"):
            find_weights("x", WeightsSource(None, url))
    assert (threading.active_count(), socket.getdefaulttimeout()) == (threads, before)
    assert not list((tmp_path / "hub" / "checkpoints").iterdir())


def test_a_download_with_a_wrong_checksum_is_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / f"w-{hashlib.sha256(b'weights').hexdigest()[:8]}.pth").write_bytes(b"weights")
    (tmp_path / "w-00000000.pth").write_bytes(b"others")
    right = find_weights("x", WeightsSource(None, next(tmp_path.glob("w-[!0]*.pth")).as_uri()))
    assert right.read_bytes() == b"weights" and right.parent == tmp_path / "torch" / "hub" / "checkpoints"
    with pytest.raises(saliency.InputError, match="invalid hash value"):
        find_weights("x", WeightsSource(None, (tmp_path / "w-00000000.pth").as_uri()))
    assert list(right.parent.iterdir()) == [right]


@pytest.mark.parametrize("name", ["vit_h_14", "swin_v2_t", "maxvit_t", "inception_v3"])
def test_networks_accept_the_input_size_of_their_weights(name):
    side = torchvision_preparation(name)["size"][0]
    with torch.device("meta"):
        model = build_model(name, side).eval()
    assert model(torch.ones(1, 3, side, side, device="meta")).shape == (1, 1000)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_weights_of_training_heads_are_ignored(name, tmp_path, offline):
    torch.manual_seed(0)
    torch.save(models.get_model_builder(name)(weights=None, init_weights=False).state_dict(), tmp_path / "w.pth")
    network = nets.load(name, tmp_path / "w.pth")
    assert not any("aux" in path.lower() for path in network.paths) and network.model.transform_input
