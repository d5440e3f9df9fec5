"""Load networks by name in Torch, and weights without running code."""

import pickle

import pytest

pytest.importorskip("torch")

import safetensors.torch
import torch

import saliency
from saliency import nets
from saliency.nets.demo_net import DemoNet
from saliency.nets.layer_names import layer_paths
from saliency.nets.torch_weights import load_weights


class Marker:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def save(folder, state, name="w.safetensors"):
    if name.endswith("safetensors"):
        safetensors.torch.save_file(state, folder / name)
    else:
        torch.save(state, folder / name)
    return folder / name


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_weights_are_loaded_from_safetensors_and_plain_state_dicts(tmp_path, name, prefix):
    torch.manual_seed(1)
    source, model = DemoNet(), DemoNet()
    load_weights(model, save(tmp_path, {prefix + k: v for k, v in source.state_dict().items()}, name))
    for key, value in source.state_dict().items():
        assert torch.equal(model.state_dict()[key], value)


def test_half_precision_weights_keep_the_model_s_type(tmp_path):
    model = DemoNet()
    load_weights(model, save(tmp_path, {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}))
    assert model.fc1.weight.dtype == torch.float32


def test_weights_that_do_not_match_are_refused(tmp_path):
    state = DemoNet().state_dict()
    less = {k: v for k, v in state.items() if not k.startswith("conv")}
    with pytest.raises(
        saliency.InputError, match=r"lacks conv1.weight, .* and 1 more; it must match DemoNet in names and shapes"
    ):
        load_weights(DemoNet(), save(tmp_path, less))
    with pytest.raises(saliency.InputError, match="has unexpected other.weight"):
        load_weights(DemoNet(), save(tmp_path, state | {"other.weight": torch.ones(1)}))
    with pytest.raises(saliency.InputError, match="has the wrong shape for fc1.bias"):
        load_weights(DemoNet(), save(tmp_path, state | {"fc1.bias": torch.ones(11)}))


def test_other_files_are_refused_without_running_code(tmp_path):
    with pytest.raises(saliency.InputError, match="must be an existing file"):
        load_weights(DemoNet(), tmp_path / "none.pth")
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Marker(str(tmp_path / "marker")), 2))
    torch.save({"fc1.bias": Marker(str(tmp_path / "marker"))}, tmp_path / "evil2.pth")
    torch.save(DemoNet(), tmp_path / "module.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    (tmp_path / "short.safetensors").write_bytes(b"\xff" * 7)
    (tmp_path / "empty.pth").touch()
    (tmp_path / "text.pth").write_text("hello")
    torch.save({1: torch.ones(1)}, tmp_path / "numbered.pth")
    torch.save({"state_dict": DemoNet().state_dict(), "epoch": 3}, tmp_path / "checkpoint.pth")
    with pytest.raises(
        saliency.InputError, match="must contain a state dict, tensors by name; it contains a dict of state_dict, epoch"
    ):
        load_weights(DemoNet(), tmp_path / "checkpoint.pth")
    whole = save(tmp_path, DemoNet().state_dict()).read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-100])
    for name in ("evil.pth", "evil2.pth", "module.pth", "list.pth", "short.safetensors", "empty.pth", "cut.safetensors",
                 "text.pth", "numbered.pth"):  # fmt: skip
        with pytest.raises(saliency.InputError, match="state dict") as refusal:
            load_weights(DemoNet(), tmp_path / name)
        assert "weights_only" not in str(refusal.value)
    assert not (tmp_path / "marker").exists()


def test_bundled_networks_in_any_case():
    assert nets.load("demonet").name == "DemoNet"
    assert nets.load("SHORTCUTNET").name == "ShortcutNet"
    network = nets.load("DemoNet")
    assert network.layer("conv4") == "conv4"
    with pytest.raises(saliency.TargetError, match=r"DemoNet has no layer 'cnov4'; nearest: conv4"):
        network.layer("cnov4")


def test_dnnbrain_s_layer_names():
    models = pytest.importorskip("torchvision.models")
    names = layer_paths(models.alexnet(weights=None))
    assert names["conv1"] == "features.0" and names["conv5_relu"] == "features.11" and names["conv5_maxpool"] == "features.12"
    assert names["fc1"] == "classifier.1" and names["fc2_relu"] == "classifier.5" and names["fc3"] == "classifier.6"
    with torch.device("meta"):
        names = layer_paths(models.vgg19_bn(weights=None))
    assert names["conv2_bn"] == "features.4" and names["conv16_maxpool"] == "features.52" and names["fc3"] == "classifier.6"


def test_extra_layer_names():
    names = layer_paths(DemoNet(), {"first": ("conv1",), "last": "fc1"})
    assert (names["first"], names["last"], names["conv2"]) == ("conv1", "fc1", "conv2")
